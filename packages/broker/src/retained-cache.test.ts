import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleMessage } from './contract/samples.ts';
import { createMetrics } from './metrics.ts';
import { RetainedCache } from './retained-cache.ts';

/** So many messages of one size fill a cache of one unit less. */
function sized(topic: string) {
  return { message: sampleMessage(topic, 'x'.repeat(600)), sequence: 1 };
}
const { heldBytes } = sized('a').message;
const PLACES = 3;

test('keeps what was used last, within its bytes, and counts what has left', () => {
  const metrics = createMetrics();
  const cache = new RetainedCache(PLACES * (heldBytes + 500), metrics);
  for (const topic of ['a', 'b', 'c']) cache.add(sized(topic));
  assert.ok(cache.get('a'));
  cache.add(sized('d'));
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((topic) => cache.get(topic)?.message.topic.name),
    ['a', undefined, 'c', 'd'],
  );
  assert.equal(metrics.retainedEvicted, 1);
});

test('does not keep what alone is too large', () => {
  const cache = new RetainedCache(1_000, createMetrics());
  cache.add({ message: sampleMessage('a', 'x'.repeat(1_000)), sequence: 1 });
  assert.deepEqual([cache.get('a'), cache.bytes], [undefined, 0]);
});

test('holds its bytes and finds all it has, in any history', () => {
  const step = fc.record({ op: fc.constantFrom('add', 'get', 'delete'), topic: fc.nat(9), bytes: fc.nat(900) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const bytesMax = 4_000;
      const metrics = createMetrics();
      const cache = new RetainedCache(bytesMax, metrics);
      let added = 0;
      let deleted = 0;
      for (const one of steps) {
        const topic = `t${one.topic}`;
        const isThere = cache.get(topic) !== undefined;
        if (one.op === 'delete') {
          cache.delete(topic);
          if (isThere) deleted += 1;
        } else if (one.op === 'add' && !isThere) {
          cache.add({ message: sampleMessage(topic, 'x'.repeat(one.bytes)), sequence: 1 });
          added += 1;
        }
        assert.ok(cache.bytes <= bytesMax);
      }
      const left = Array.from({ length: 10 }, (_, index) => cache.get(`t${index}`)).filter((found) => found);
      assert.equal(left.length, added - deleted - metrics.retainedEvicted);
      for (const found of left) cache.delete(found?.message.topic.name as string);
      assert.equal(cache.bytes, 0);
    }),
  );
});
