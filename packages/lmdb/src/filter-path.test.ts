import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FilterPath } from './filter-path.ts';
import { Key, retainedKey, textHash } from './keys.ts';

const key = new Key();

function keyOf(topic: string): Buffer {
  return retainedKey(key, Buffer.from(topic), 0, textHash).copy();
}

/** A verdict, a place as text with "/" for what parts levels and "~" for what comes right behind that. */
function verdict(filter: string, topic: string): string {
  const judged = new FilterPath(filter).judge(keyOf(topic));
  if (typeof judged === 'boolean') return 'match';
  return judged === undefined ? 'no more' : shown(judged);
}

function shown(place: Buffer): string {
  return place.toString('utf8', 1).replaceAll('\0', '/').replaceAll('\x01', '~');
}

test('says of a topic that does not match which may be the next', () => {
  const verdicts: [filter: string, topic: string, expected: string][] = [
    ['+', 'a', 'match'],
    ['+', 'a/b', 'a~'],
    ['+', '', 'match'],
    ['+/+', 'a', 'a/'],
    ['+/x', 'a', 'a/x'],
    ['+/x', 'a/b', 'a/x'],
    ['+/x', 'a/x', 'match'],
    ['+/x', 'a/x!', 'a~'],
    ['+/x', 'a/x/y', 'a~'],
    ['a/+/c/d', 'a/b/a', 'a/b/c/d'],
    ['a/+/c/d', 'a/b/c/e', 'a/b~'],
    ['a/+/c/#', 'a/b/c', 'match'],
    ['a/+/c/#', 'a/b/c/d/e', 'match'],
    ['a/#', 'a', 'match'],
    ['a/#', 'a!', 'no more'],
    ['+/+/+', 'a/b', 'a/b/'],
    ['#', '$SYS/a', '%'],
    ['+/a', '$x/a', '%'],
    ['$x/+', '$x/a', 'match'],
  ];
  for (const [filter, topic, expected] of verdicts)
    assert.equal(verdict(filter, topic), expected, `${filter} ${topic}`);
});

test('goes from the first topic that may match to behind the last', () => {
  const ways: [filter: string, start: string, end: string][] = [
    ['a/#', 'a', 'a~'],
    ['a/b/+', 'a/b/', 'a/b~'],
    ['a/+/b', 'a/', 'a~'],
  ];
  for (const [filter, start, end] of ways) {
    const path = new FilterPath(filter);
    assert.deepEqual([shown(path.start), shown(path.end)], [start, end], filter);
  }
  for (const filter of ['#', '+', '+/a', '#'])
    assert.deepEqual([new FilterPath(filter).start, new FilterPath(filter).end], [Buffer.of(0x40), Buffer.of(0x41)]);
});

test('never leads past the key of a long topic, which sorts by its first 1,000 bytes alone', () => {
  for (const bytes of [995, 996, 997, 998, 999, 1_000, 1_001, 1_500]) {
    const first = 'x'.repeat(bytes);
    const long = keyOf(`${first}/${'y'.repeat(1_000)}/z`);
    for (const filter of [`${first}/#`, `${first}/+/z`, `${first}/+/#`]) {
      const { start, end } = new FilterPath(filter);
      assert.ok(Buffer.compare(start, long) <= 0, `${bytes} ${filter.slice(bytes)}`);
      assert.ok(Buffer.compare(end, long) > 0, `${bytes} ${filter.slice(bytes)}`);
      const place = new FilterPath(`+/${'y'.repeat(1_000)}/z`).judge(keyOf(first.slice(0, 900)));
      assert.ok(place === true || (place?.length ?? 0) <= 1_001);
    }
  }
});
