import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FilterTree } from './filter-tree.ts';
import { topicMatches } from './topic.ts';

function matches(tree: FilterTree<string>, topic: string): string[] {
  return tree.collect(topic).sort();
}

function treeOf(...filters: readonly string[]): FilterTree<string> {
  const tree = new FilterTree<string>();
  for (const filter of filters) tree.add(filter, filter);
  return tree;
}

test('finds every filter that matches, and no other [MQTT-4.7.1-1, 4.7.1-2, 4.7.3-4]', () => {
  const level = fc.constantFrom('a', 'b', '', '$x');
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'));
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
  fc.assert(
    fc.property(fc.array(filter, { maxLength: 8 }), fc.integer({ min: 0, max: 8 }), topic, (filters, removed, name) => {
      const tree = treeOf(...filters);
      for (const gone of filters.slice(0, removed)) tree.remove(gone, gone);
      const left = filters.slice(removed);
      assert.deepEqual(matches(tree, name), left.filter((one) => topicMatches(one, name)).sort());
    }),
    { numRuns: 3000 },
  );
});

test('does not let a leading wildcard match a topic of the server [MQTT-4.7.2-1]', () => {
  const tree = treeOf('#', '+/a', '$SYS/#', '$SYS/+');
  assert.deepEqual(matches(tree, '$SYS/a'), ['$SYS/#', '$SYS/+']);
});

test('removes a value once for each time it was added, and no value that is not there', () => {
  const tree = treeOf('a/+', 'a/+');
  tree.remove('a/b', 'a/+');
  tree.remove('a/+', 'other');
  assert.deepEqual(matches(tree, 'a/b'), ['a/+', 'a/+']);
  tree.remove('a/+', 'a/+');
  assert.deepEqual(matches(tree, 'a/b'), ['a/+']);
  tree.remove('a/+', 'a/+');
  assert.deepEqual(matches(tree, 'a/b'), []);
  tree.remove('a/+', 'a/+');
});

test('matches a topic of as many levels as there can be', () => {
  const tree = treeOf('#', '+/'.repeat(32_767), 'a');
  assert.deepEqual(matches(tree, '/'.repeat(32_767)), ['#', '+/'.repeat(32_767)].sort());
});
