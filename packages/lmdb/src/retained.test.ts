import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from '@dunlin/broker';
import { allOf, RetainedWriter } from '@dunlin/broker/contract/store';
import fc from 'fast-check';
import { openEnvironment } from './testing/directory.ts';

const level = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('', 'a', 'b', 'ab', 'a!', 'a\x01', '$x', 'ä') },
  { weight: 1, arbitrary: fc.constantFrom(...[990, 997, 998, 999, 1_000, 1_001, 2_000].map((n) => 'x'.repeat(n))) },
);
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'));
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.oneof(level, fc.constantFrom('+', '#')))
  .map(([levels, last]) => [...levels, last].join('/'));
const change = fc.record({ topic, remove: fc.boolean(), expiresAtMs: fc.option(fc.constantFrom(5, 1_000, 2_000.5)) });

test('finds with any filter what the memory store finds, after the same history', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(change, { maxLength: 15 }), { maxLength: 6 }),
      fc.array(filter, { maxLength: 20 }),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      async (batches, filters, looksMax, collide) => {
        // Every long topic has the same hash, or its own.
        const environment = await openEnvironment(collide ? { textHash: () => Buffer.alloc(16) } : {});
        const { store } = environment;
        const memory = new MemoryStore();
        const writer = new RetainedWriter();
        for (const changes of batches) {
          const writes = changes.flatMap((one) => {
            if (one.remove) return writer.byTopic.has(one.topic) ? [writer.delete(one.topic)] : [];
            return [writer.put(one.topic, 'x', one.expiresAtMs ?? undefined)];
          });
          memory.commit(writes);
          await store.commit(writes);
        }
        for (const wanted of filters)
          assert.deepEqual(
            allOf(store.retained.cursor(wanted), looksMax),
            allOf(memory.retained.cursor(wanted), looksMax),
            wanted.slice(0, 100),
          );
        for (const name of writer.byTopic.keys())
          assert.equal(store.retained.get(name)?.sequence, writer.byTopic.get(name)?.sequence);
        for (const nowMs of [0, 999, 1_000, 2_000, 2_001, 9_000])
          assert.deepEqual(
            [...store.retained.expired(nowMs, 100)].sort(),
            [...memory.retained.expired(nowMs, 100)].sort(),
          );
        assert.deepEqual((await store.contents()).retained, memory.contents().retained);
        assert.deepEqual((await environment.check()).problems, []);
        await environment.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('finds after a restart how many there are, their bytes, the last number and what has expired', async () => {
  const environment = await openEnvironment();
  const { directory } = environment;
  const writer = new RetainedWriter();
  await environment.store.commit([writer.put('a'), writer.put('b', 'x', 1_000), writer.put('c')]);
  await environment.store.commit([writer.delete('c')]);
  await environment.close();
  const again = await openEnvironment({ directory });
  assert.deepEqual((await again.store.contents()).retained, { ...writer.summary(), lastSequence: 3 });
  assert.deepEqual(again.store.retained.expired(1_000, 10), ['b']);
  await again.store.commit([writer.delete('a'), writer.delete('b')]);
  assert.deepEqual((await again.store.contents()).retained, { messages: 0, bytes: 0, lastSequence: 3 });
  assert.deepEqual(again.store.retained.expired(1_000, 10), []);
  assert.deepEqual((await again.check()).problems, []);
});
