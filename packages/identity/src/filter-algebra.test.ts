import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicMatches } from '@dunlin/protocol';
import fc from 'fast-check';
import { filterContains, filterLevels, filtersIntersect } from './filter-algebra.ts';

const contains = (outer: string, inner: string): boolean => filterContains(filterLevels(outer), filterLevels(inner));
const intersect = (one: string, other: string): boolean => filtersIntersect(filterLevels(one), filterLevels(other));

/**
 * Every name of up to five levels over letters of which the filters below know all but `z`. The empty one, which no
 * client can say, is among them: leaving it out would make the walks longer and no answer of use different.
 */
const topics = (() => {
  const all: string[] = [];
  const grow = (prefix: string, depth: number): void => {
    for (const level of depth === 0 ? ['a', 'b', '', '$s', 'z'] : ['a', 'b', '', 'z']) {
      const topic = depth === 0 ? level : `${prefix}/${level}`;
      all.push(topic);
      if (depth < 4) grow(topic, depth + 1);
    }
  };
  grow('', 0);
  return all;
})();

const filters = fc
  .tuple(
    fc.constantFrom('a', 'b', '', '+', '$s'),
    fc.array(fc.constantFrom('a', 'b', '', '+'), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([first, rest, open]) => [first, ...rest, ...(open ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '');
/** At most four levels that are no `#`, so that five levels of a name tell every two of them apart. */
const anyFilter = fc.oneof({ arbitrary: filters, weight: 20 }, fc.constant('#'));

test('a filter lies in another exactly if every name it matches is matched by the other', () => {
  const property = fc.property(anyFilter, anyFilter, (outer, inner) => {
    const expected = topics.every((topic) => !topicMatches(inner, topic) || topicMatches(outer, topic));
    assert.equal(contains(outer, inner), expected, `${inner} in ${outer}`);
  });
  fc.assert(property, { numRuns: 1500 });
});

test('two filters intersect exactly if some name is matched by both', () => {
  const property = fc.property(anyFilter, anyFilter, (one, other) => {
    const expected = topics.some((topic) => topicMatches(one, topic) && topicMatches(other, topic));
    assert.equal(intersect(one, other), expected, `${one} and ${other}`);
    assert.equal(intersect(other, one), expected);
  });
  fc.assert(property, { numRuns: 1500 });
});

test('knows the cases that are easily taken wrongly', () => {
  for (const [outer, inner] of [
    ['a/#', 'a'],
    ['a/#', 'a/+/b'],
    ['#', '+/+'],
    ['+/#', '#'],
    ['a/+', 'a/'],
    ['$SYS/#', '$SYS/broker/+'],
  ])
    assert.ok(contains(outer, inner), `${inner} lies in ${outer}`);
  for (const [outer, inner] of [
    ['a/x', '+/x'],
    ['a/+', 'a/#'],
    ['a/+/#', 'a/#'],
    ['+/+/#', '#'],
    ['#', '$SYS/x'],
    ['+/x', '$SYS/x'],
    ['a', 'a/b'],
  ])
    assert.ok(!contains(outer, inner), `${inner} does not lie in ${outer}`);
  assert.ok(!intersect('#', '$SYS/#'));
  assert.ok(intersect('a', 'a/#'));
});
