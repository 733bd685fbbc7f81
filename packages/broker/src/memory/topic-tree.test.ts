import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type TopicCursor, TopicTree } from './topic-tree.ts';

const level = fc.constantFrom('', 'a', 'b', 'c', '$x');
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.constantFrom('', 'a', 'b', '+', '$x'), { maxLength: 3 }), fc.constantFrom('a', '+', '#', ''))
  .map(([levels, last]) => [...levels, last].join('/'));

function matches(wanted: string, name: string): boolean {
  if (name.startsWith('$') && /^[+#]/.test(wanted)) return false;
  const filters = wanted.split('/');
  const levels = name.split('/');
  for (let i = 0; i < filters.length; i++) {
    // "a/#" takes "a" as well.
    if (filters[i] === '#') return levels.length >= i;
    if (i >= levels.length || (filters[i] !== '+' && filters[i] !== levels[i])) return false;
  }
  return filters.length === levels.length;
}

function all<V>(cursor: TopicCursor<V>, nodesMax = 1): V[] {
  const found: V[] = [];
  for (let i = 0; i < 10_000 && !cursor.isDone; i++) {
    const value = cursor.next(nodesMax);
    if (value !== undefined) found.push(value);
  }
  assert.ok(cursor.isDone);
  return found;
}

test('sets, gets, replaces and deletes values by topic as a plain map does', () => {
  const step = fc.record({ topic, remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const tree = new TopicTree<number>();
      const model = new Map<string, number>();
      for (const [i, one] of steps.entries()) {
        const former = model.get(one.topic);
        if (one.remove) {
          assert.equal(tree.delete(one.topic), former);
          model.delete(one.topic);
        } else {
          assert.equal(tree.set(one.topic, i), former);
          model.set(one.topic, i);
        }
        assert.equal(tree.size, model.size);
      }
      for (const [name, value] of model) assert.equal(tree.get(name), value);
      assert.deepEqual(
        all(tree.cursor('#')).sort(),
        [...model]
          .filter(([name]) => !name.startsWith('$'))
          .map(([, value]) => value)
          .sort(),
      );
    }),
  );
});

test('walks exactly the topics that match a filter, in steps of any size [MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.7.2-1]', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(topic, { maxLength: 40 }),
      filter,
      fc.integer({ min: 1, max: 5 }),
      (names, wanted, nodesMax) => {
        const tree = new TopicTree<string>();
        for (const name of names) tree.set(name, name);
        assert.deepEqual(
          all(tree.cursor(wanted), nodesMax).sort(),
          names.filter((name) => matches(wanted, name)).sort(),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('walks on while topics come, change and go: none twice, none that stayed is missed', () => {
  const change = fc.record({ topic, remove: fc.boolean(), stepsBefore: fc.nat(3) });
  fc.assert(
    fc.property(fc.uniqueArray(topic, { maxLength: 30 }), fc.array(change, { maxLength: 20 }), (names, changes) => {
      const tree = new TopicTree<string>();
      for (const name of names) tree.set(name, name);
      const cursor = tree.cursor('#');
      const came: string[] = [];
      const touched = new Set<string>();
      const step = () => {
        const value = cursor.next(1);
        if (value !== undefined) came.push(value);
      };
      for (const one of changes) {
        for (let i = 0; i < one.stepsBefore; i++) step();
        touched.add(one.topic);
        if (one.remove) tree.delete(one.topic);
        else tree.set(one.topic, one.topic);
      }
      for (let i = 0; i < 1_000 && !cursor.isDone; i++) step();
      const stayed = names.filter((name) => !touched.has(name) && !name.startsWith('$'));
      for (const name of stayed) assert.equal(came.filter((one) => one === name).length, 1, name);
    }),
    { numRuns: 300 },
  );
});

test('stops after the nodes it may look at, and goes on from there', () => {
  const tree = new TopicTree<string>();
  for (let i = 0; i < 100; i++) tree.set(`a/${i}/x`, `${i}`);
  tree.set('a/7/y', 'found');
  const cursor = tree.cursor('a/+/y');
  assert.equal(cursor.next(5), undefined);
  assert.equal(cursor.isDone, false);
  assert.deepEqual(all(cursor, 5), ['found']);
});
