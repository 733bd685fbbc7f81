import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleMessage } from './contract/samples.ts';
import type { QueuedRecord, Store, StoredEntry } from './ports.ts';
import { type Entry, Queue } from './queue.ts';

const MESSAGE = sampleMessage('t');
const BYTES = MESSAGE.heldBytes;

function entry(position: number, share?: string): Entry {
  return { position, message: MESSAGE, qos: 1, retain: false, identifiers: [], share, ticket: 0, repeated: false };
}

/** A store with these positions, which answers at once; the last ones are not committed yet. */
function storeOf(records: readonly QueuedRecord[], committed = records.length): Store {
  const queue = (_session: number, after: number, limit: number): readonly StoredEntry[] =>
    records
      .slice(0, committed)
      .filter((record) => record.position > after)
      .slice(0, limit)
      .map((record) => ({ ...record, released: false }));
  return { queue } as unknown as Store;
}

/** Takes all that can be taken, reading pages as the session does. */
function drain(queue: Queue, store: Store): number[] {
  const positions: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const next = queue.peek();
    if (next !== undefined) {
      positions.push(next.position);
      queue.shift();
    } else if (queue.isPaged) {
      const { size } = queue;
      queue.readPage(store, 1);
      if (queue.peek() === undefined) return positions;
      assert.equal(queue.size, size);
    } else return positions;
  }
  return assert.fail('the queue does not end');
}

test('gives what was pushed in order, and counts entries and bytes', () => {
  const queue = new Queue();
  for (let i = 1; i <= 3; i++) queue.push(entry(i), false);
  assert.deepEqual([queue.size, queue.bytes, queue.isEmpty], [3, 3 * BYTES, false]);
  assert.deepEqual(drain(queue, storeOf([])), [1, 2, 3]);
  assert.deepEqual([queue.size, queue.bytes, queue.isEmpty], [0, 0, true]);
});

test('keeps 2048 entries of a stored session in memory and reads the rest in pages', () => {
  const queue = new Queue();
  const records = Array.from({ length: 5_000 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  assert.deepEqual([queue.size, [...queue.waiting()].length, queue.pagedSize], [5_000, 2_048, 2_952]);
  assert.deepEqual(
    drain(queue, storeOf(records)),
    records.map((record) => record.position),
  );
  assert.deepEqual([queue.size, queue.bytes], [0, 0]);
});

test('keeps all of a session without stored state in memory', () => {
  const queue = new Queue();
  for (let i = 1; i <= 5_000; i++) queue.push(entry(i), false);
  assert.deepEqual([[...queue.waiting()].length, queue.pagedSize], [5_000, 0]);
});

test('leaves paged what is not committed yet, and reads it later', () => {
  const queue = new Queue();
  const records = Array.from({ length: 3_000 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  assert.equal(drain(queue, storeOf(records, 2_500)).length, 2_500);
  assert.deepEqual([queue.size, queue.isPaged], [500, true]);
  assert.equal(drain(queue, storeOf(records)).length, 500);
});

test('reads nobody else a page while one is under way', async () => {
  const queue = new Queue();
  const records = Array.from({ length: 2_100 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  while (queue.peek() !== undefined) queue.shift();
  assert.equal(queue.isPaged, true);
  const now = storeOf(records);
  const later = { queue: async (...args: [number, number, number]) => now.queue(...args) } as unknown as Store;
  const reading = queue.readPage(later, 1);
  assert.equal(queue.isPaged, false);
  await reading;
  assert.equal(drain(queue, now).length, 52);
});

test('puts unfinished deliveries back in front', () => {
  const queue = new Queue();
  for (let i = 1; i <= 6; i++) queue.push(entry(i), false);
  const open = [queue.peek() as Entry];
  queue.shift();
  open.push(queue.peek() as Entry);
  queue.shift();
  queue.putBack(open.map((one) => ({ ...one, repeated: true })));
  assert.deepEqual(
    [...queue.waiting()].map((one) => [one.position, one.repeated]),
    [
      [1, true],
      [2, true],
      [3, false],
      [4, false],
      [5, false],
      [6, false],
    ],
  );
  assert.equal(queue.bytes, 6 * BYTES);
});

test('goes on without what the store has lost', () => {
  const queue = new Queue();
  const records = Array.from({ length: 2_100 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  queue.push(entry(2_101), false);
  while (queue.peek() !== undefined) queue.shift();
  queue.readPage(storeOf([]), 1);
  assert.equal(queue.forgetPaged(), 52 * BYTES);
  assert.deepEqual(drain(queue, storeOf([])), [2_101]);
  assert.deepEqual([queue.isEmpty, queue.bytes], [true, 0]);
});

test('knows whether the store alone has something of a shared subscription', () => {
  const queue = new Queue();
  const records = Array.from({ length: 2_100 }, (_, i) => entry(i + 1, i % 2 === 0 ? '$share/g/t' : undefined));
  for (const record of records) queue.push(record, true);
  assert.deepEqual([queue.hasPagedShares, queue.pagedOwn], [true, 26]);
  drain(queue, storeOf(records));
  assert.equal(queue.hasPagedShares, false);
});

test('gives everything in order whatever is pushed, stored or not, put back, paged and taken', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), count: fc.constantFrom(1, 10, 700, 1_500), stored: fc.boolean() }),
    fc.record({
      do: fc.constantFrom('take' as const, 'back' as const),
      count: fc.constantFrom(1, 5, 900),
      stored: fc.constant(false),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const queue = new Queue();
      const records: Entry[] = [];
      let expected = 1;
      let position = 0;
      // A session that is no longer stored never is again.
      let isStored = true;
      let taken: Entry[] = [];
      for (const one of steps) {
        if (one.do === 'push') {
          isStored &&= one.stored;
          for (let i = 0; i < one.count; i++) {
            const next = entry(++position);
            if (isStored) records.push(next);
            queue.push(next, isStored);
          }
        } else if (one.do === 'take') {
          for (let i = 0; i < one.count && !queue.isEmpty; i++) {
            if (queue.peek() === undefined) queue.readPage(storeOf(records), 1);
            const next = queue.peek() as Entry;
            assert.equal(next.position, expected++);
            queue.shift();
            taken.push(next);
          }
        } else {
          queue.putBack(taken.splice(-one.count));
          expected = queue.isEmpty ? expected : ((queue.peek() ?? { position: expected }).position ?? expected);
          taken = [];
        }
        assert.equal(queue.size, position - expected + 1);
        assert.equal(queue.bytes, queue.size * BYTES);
      }
      assert.deepEqual(
        drain(queue, storeOf(records)),
        Array.from({ length: position - expected + 1 }, (_, i) => expected + i),
      );
    }),
    { numRuns: 60 },
  );
});
