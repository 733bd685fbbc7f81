import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FilterTrie } from './filter-trie.ts';
import { topicMatches } from './topic.ts';

function found<V>(trie: FilterTrie<V>, topic: string): V[] {
  const into: V[] = [];
  trie.collect(topic, into);
  return into.sort();
}

const level = fc.constantFrom('a', 'b', 'c', '', '$x', 'a-longer-level-name', '\u00e9', 'e\u0301', '\u{1F986}');
const topics = fc
  .array(level, { minLength: 1, maxLength: 5 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '');
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, hasRest]) => [...levels, ...(hasRest ? ['#'] : [])].join('/'))
  .filter((filter) => filter !== '');
/** Mostly adds; a removal takes one that is there, or one that may not be. */
const steps = fc.array(
  fc.record({
    type: fc.constantFrom('add', 'add', 'remove held', 'remove any'),
    filter: filters,
    value: fc.integer({ min: 0, max: 3 }),
    pick: fc.nat(),
  }),
  { maxLength: 80 },
);

test('finds what matching filter by filter finds, through any adds and removes [MQTT-3.3.2-3] [MQTT-4.7.3-4]', () => {
  fc.assert(
    fc.property(steps, fc.array(topics, { minLength: 1, maxLength: 10 }), (sequence, names) => {
      const trie = new FilterTrie<string>();
      const held: { filter: string; value: string }[] = [];
      for (const { type, pick, ...made } of sequence) {
        const isHeld = type === 'remove held' && held.length > 0;
        const { filter, value } = isHeld
          ? held[pick % held.length]
          : { filter: made.filter, value: `${made.filter} ${made.value}` };
        if (type === 'add') {
          trie.add(filter, value);
          held.push({ filter, value });
        } else {
          const at = held.findIndex((other) => other.filter === filter && other.value === value);
          assert.equal(trie.remove(filter, value), at >= 0);
          if (at >= 0) held.splice(at, 1);
        }
        assert.equal(trie.size, held.length);
      }
      for (const name of names) {
        const expected = held.filter(({ filter }) => topicMatches(filter, name)).map(({ value }) => value);
        assert.deepEqual(found(trie, name), expected.sort());
      }
      for (const { filter } of held) {
        const expected = held.filter((other) => other.filter === filter).map(({ value }) => value);
        assert.deepEqual([...trie.values(filter)].sort(), expected.sort());
      }
    }),
    { numRuns: 300 },
  );
});

test('keeps "$" topics from filters that begin with a wildcard [MQTT-4.7.2-1]', () => {
  const trie = new FilterTrie<string>();
  for (const filter of ['#', '+', '+/#', '+/load', '$SYS/#', '$SYS/+', '$SYS']) trie.add(filter, filter);
  assert.deepEqual(found(trie, '$SYS/load'), ['$SYS/#', '$SYS/+']);
  assert.deepEqual(found(trie, '$SYS'), ['$SYS', '$SYS/#']);
});

test('matches the parent level of "#" [MQTT-4.7.1-1]', () => {
  const trie = new FilterTrie<string>();
  for (const filter of ['a/#', 'a/+/#', '#', 'a/b/c/#']) trie.add(filter, filter);
  assert.deepEqual(found(trie, 'a'), ['#', 'a/#']);
  assert.deepEqual(found(trie, 'a/b'), ['#', 'a/#', 'a/+/#']);
});

test('hands each value to the visitor, which may change the filters meanwhile', () => {
  const trie = new FilterTrie<number>();
  for (let value = 0; value < 40; value++) trie.add(value % 2 === 0 ? 'a/+' : 'a/b', value);
  const visited: number[] = [];
  trie.match('a/b', (value) => {
    visited.push(value);
    trie.remove(value % 2 === 0 ? 'a/+' : 'a/b', value);
    trie.add('a/#', 100 + value);
  });
  assert.deepEqual(
    visited.sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, value) => value),
  );
  assert.equal(trie.size, 40);
});

test('keeps the same pair as often as it was added, on few and on many values', () => {
  for (const others of [0, 3, 40]) {
    const trie = new FilterTrie<string>();
    trie.add('a', 'x');
    for (let other = 0; other < others; other++) trie.add('a', `other ${other}`);
    trie.add('a', 'x');
    assert.equal(trie.remove('a', 'x'), true);
    assert.equal(trie.values('a').filter((value) => value === 'x').length, 1);
    assert.equal(trie.remove('a', 'x'), true);
    assert.equal(trie.remove('a', 'x'), false);
    assert.equal(trie.size, others);
  }
});

test('removes many values of one filter in any order and keeps the others', () => {
  const order = fc.shuffledSubarray(Array.from({ length: 60 }, (_, value) => value));
  fc.assert(
    fc.property(order, fc.constantFrom('a/b', 'a/+', 'a/#'), (removed, filter) => {
      const trie = new FilterTrie<number>();
      for (let value = 0; value < 60; value++) trie.add(filter, value);
      for (const value of removed) assert.equal(trie.remove(filter, value), true);
      for (const value of removed) assert.equal(trie.remove(filter, value), false);
      const left = Array.from({ length: 60 }, (_, value) => value).filter((value) => !removed.includes(value));
      assert.deepEqual(
        [...trie.values(filter)].sort((a, b) => a - b),
        left,
      );
    }),
    { numRuns: 50 },
  );
});

test('takes and matches 32767 levels of wildcards without a deep stack', () => {
  const levels = 32_767;
  const trie = new FilterTrie<string>();
  const wild = new Array(levels).fill('+').join('/');
  const mixed = `${new Array(levels - 1).fill('a').join('/')}/+`;
  trie.add(wild, 'wild');
  trie.add(mixed, 'mixed');
  trie.add(`${wild.slice(0, -1)}#`, 'rest');
  const topic = new Array(levels).fill('a').join('/');
  assert.deepEqual(found(trie, topic), ['mixed', 'rest', 'wild']);
  assert.deepEqual(found(trie, topic.slice(2)), ['rest']);
  for (const [filter, value] of [
    [wild, 'wild'],
    [mixed, 'mixed'],
  ])
    assert.equal(trie.remove(filter, value), true);
  assert.deepEqual(found(trie, topic), ['rest']);
});

test('finds each of the 4096 filters of "a" and "+" that one topic matches, once', () => {
  const trie = new FilterTrie<number>();
  for (let bits = 0; bits < 4096; bits++) {
    trie.add(Array.from({ length: 12 }, (_, at) => ((bits >> at) & 1 ? '+' : 'a')).join('/'), bits);
  }
  const into: number[] = [];
  trie.collect(new Array(12).fill('a').join('/'), into);
  assert.equal(new Set(into).size, 4096);
  assert.equal(into.length, 4096);
});

test('keeps the children of a node while others come and go', () => {
  const trie = new FilterTrie<string>();
  const names = ['a', 'b', 'c', 'd'];
  for (const name of names) trie.add(`x/${name}/+`, name);
  for (const [index, name] of names.entries()) {
    assert.equal(trie.remove(`x/${name}/+`, name), true);
    const left = names.slice(index + 1);
    assert.deepEqual(
      names.flatMap((other) => found(trie, `x/${other}/y`)),
      left,
    );
  }
  trie.add('x/b/+', 'again');
  assert.deepEqual(found(trie, 'x/b/y'), ['again']);
});

test('answers for filters that nobody added', () => {
  const trie = new FilterTrie<string>();
  trie.add('a/+/c', 'x');
  for (const filter of ['a', 'a/+', 'a/#', 'a/+/c/#', '#', 'a/+/c/d', 'b/+']) {
    assert.deepEqual(trie.values(filter), []);
    assert.equal(trie.remove(filter, 'x'), false);
  }
  assert.equal(trie.size, 1);
});
