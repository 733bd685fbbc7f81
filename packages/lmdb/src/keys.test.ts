import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  KEY_BYTES_MAX,
  Key,
  keyAfterPrefix,
  keyName,
  leadsToBucket,
  NUMBER_MAX,
  readNumber,
  retainedKey,
  subscriptionKey,
  Tag,
  textHash,
  writeNumber,
} from './keys.ts';

const number = fc.integer({ min: 0, max: NUMBER_MAX });

test('writes numbers that read back and sort as they count', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [left, right] = [Buffer.alloc(6), Buffer.alloc(6)];
      writeNumber(left, 0, a);
      writeNumber(right, 0, b);
      assert.equal(readNumber(left, 0), a);
      assert.equal(Buffer.compare(left, right), Math.sign(a - b));
    }),
  );
});

test('sorts what belongs to an entry right behind it, and sessions apart', () => {
  const key = new Key();
  const keys = [
    key.queueEntry(1, 1).copy(),
    key.released(1, 1).copy(),
    key.queueEntry(1, 2).copy(),
    key.queueEntry(1, 256).copy(),
    key.queueEntry(2, 1).copy(),
  ];
  assert.deepEqual([...keys].sort(Buffer.compare), keys);
});

test('keeps the topics under a topic together', () => {
  const key = new Key();
  const topics = ['a', 'a/', 'a/b', 'a/b/c', 'a/c', 'a b', 'a+', 'a0', 'b'];
  const sorted = topics
    .map((topic) => ({ topic, key: retainedKey(key, Buffer.from(topic), 0, textHash).copy() }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ topic }) => topic);
  assert.deepEqual(sorted, ['a', 'a/', 'a/b', 'a/b/c', 'a/c', 'a b', 'a+', 'a0', 'b']);
});

test('cuts a long text and tells it by its hash', () => {
  const key = new Key();
  const of = (text: string) => subscriptionKey(key, 1, Buffer.from(text), textHash).copy();
  const [exact, long, other] = [of('x'.repeat(1_000)), of('x'.repeat(1_001)), of('x'.repeat(65_535))];
  assert.deepEqual([leadsToBucket(exact), leadsToBucket(long), leadsToBucket(other)], [false, true, true]);
  assert.equal(long.length, other.length);
  assert.notDeepEqual(long, other);
  assert.ok(long.length <= KEY_BYTES_MAX);
  assert.ok(leadsToBucket(retainedKey(key, Buffer.from('x/'.repeat(600)), 0, textHash).copy()));
});

test('finds the end of a range, also behind 0xFF', () => {
  assert.deepEqual(keyAfterPrefix(Buffer.of(1, 2)), Buffer.of(1, 3));
  assert.deepEqual(keyAfterPrefix(Buffer.of(1, 0xff, 0xff)), Buffer.of(2));
});

test('names keys so that a person finds them', () => {
  const key = new Key();
  assert.match(keyName(key.queueEntry(7, 9).copy()), /^queue of session 7 \(key 20/);
  assert.match(keyName(key.numbered(Tag.body, 5).copy()), /^body of body 5/);
  assert.equal(keyName(retainedKey(key, Buffer.from('a'), 0, textHash).copy()), 'retained "a"');
  assert.equal(keyName(key.meta('format').copy()), 'meta "format"');
});
