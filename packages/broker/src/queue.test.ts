import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleMessage } from './contract/samples.ts';
import type { Entry } from './entry.ts';
import type { Message } from './message.ts';
import type { QueuedRecord, Store, StoredEntry } from './ports.ts';
import { Queue } from './queue.ts';

const MESSAGE = sampleMessage('t');
const BYTES = MESSAGE.heldBytes;

function entry(position: number, share?: string): Entry {
  const delivery = { position, message: MESSAGE, qos: 1, retain: false, identifiers: [], share } as const;
  return { ...delivery, ticket: 0, place: 0, isStored: true, sent: 'never', released: false };
}

/** Counts the bytes of messages in memory. */
function holder() {
  const counted = {
    bytes: 0,
    keep(message: Message): void {
      counted.bytes += message.heldBytes;
    },
    release(message: Message): void {
      counted.bytes -= message.heldBytes;
    },
  };
  return counted;
}

/** A store with these positions, which answers at once; the last ones are not committed yet. */
function storeOf(records: readonly QueuedRecord[], committed = records.length): Store {
  const queue = (_session: number, after: number, limit: number): readonly StoredEntry[] =>
    records
      .slice(0, committed)
      .filter((record) => record.position > after)
      .slice(0, limit)
      .map((record) => ({ released: false, ...record }));
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
  const queue = new Queue(holder(), true);
  for (let i = 1; i <= 3; i++) queue.push(entry(i), false);
  assert.deepEqual([queue.size, queue.bytes, queue.isEmpty], [3, 3 * BYTES, false]);
  assert.deepEqual(drain(queue, storeOf([])), [1, 2, 3]);
  assert.deepEqual([queue.size, queue.bytes, queue.isEmpty], [0, 0, true]);
});

test('keeps 2048 entries of a stored session in memory and reads the rest in pages', () => {
  const queue = new Queue(holder(), true);
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
  const queue = new Queue(holder(), true);
  for (let i = 1; i <= 5_000; i++) queue.push(entry(i), false);
  assert.deepEqual([[...queue.waiting()].length, queue.pagedSize], [5_000, 0]);
});

test('leaves paged what is not committed yet, and reads it later', () => {
  const queue = new Queue(holder(), true);
  const records = Array.from({ length: 3_000 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  assert.equal(drain(queue, storeOf(records, 2_500)).length, 2_500);
  assert.deepEqual([queue.size, queue.isPaged], [500, true]);
  assert.equal(drain(queue, storeOf(records)).length, 500);
});

test('reads nobody else a page while one is under way', async () => {
  const queue = new Queue(holder(), true);
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
  const queue = new Queue(holder(), true);
  for (let i = 1; i <= 6; i++) queue.push(entry(i), false);
  const open = [queue.peek() as Entry];
  queue.shift();
  open.push(queue.peek() as Entry);
  queue.shift();
  queue.putBack(open.map((one) => ({ ...one, sent: 'surely' as const })));
  assert.deepEqual(
    [...queue.waiting()].map((one) => [one.position, one.sent]),
    [
      [1, 'surely'],
      [2, 'surely'],
      [3, 'never'],
      [4, 'never'],
      [5, 'never'],
      [6, 'never'],
    ],
  );
  assert.equal(queue.bytes, 6 * BYTES);
});

test('tells how many bytes are in memory, not how many wait', () => {
  const held = holder();
  const queue = new Queue(held, true);
  const records = Array.from({ length: 3_000 }, (_, i) => entry(i + 1));
  for (const record of records) queue.push(record, true);
  assert.deepEqual([held.bytes, queue.bytes], [2_048 * BYTES, 3_000 * BYTES]);
  queue.shift();
  assert.equal(held.bytes, 2_047 * BYTES);
  queue.putBack([{ ...records[0], sent: 'surely' }]);
  queue.spill();
  // What was sent stays: that it was is known nowhere else.
  assert.deepEqual([held.bytes, queue.bytes, queue.pagedSize], [BYTES, 3_000 * BYTES, 2_999]);
  assert.deepEqual(drain(queue, storeOf(records))[0], 1);
  assert.deepEqual([held.bytes, queue.bytes], [0, 0]);
});

test('keeps nothing in memory of what comes while nobody is there', () => {
  const held = holder();
  const queue = new Queue(held, true);
  const records = Array.from({ length: 3_000 }, (_, i) => entry(i + 10));
  for (const record of records) queue.push(record, true, false);
  assert.deepEqual([held.bytes, queue.size, queue.pagedSize], [0, 3_000, 3_000]);
  assert.equal(drain(queue, storeOf(records)).length, 3_000);
});

test('keeps all in memory where the store is there too', () => {
  const held = holder();
  const queue = new Queue(held, false);
  for (let i = 1; i <= 3_000; i++) queue.push(entry(i), true, false);
  queue.spill();
  assert.deepEqual([held.bytes, queue.pagedSize], [3_000 * BYTES, 0]);
  queue.clear();
  assert.equal(held.bytes, 0);
});

test('goes on with what a store has kept, which was perhaps sent up to a position', () => {
  const queue = new Queue(holder(), true);
  const records = Array.from({ length: 5 }, (_, i) => entry(i + 3));
  queue.restore({ messages: 5, bytes: 5 * BYTES, shares: 0, lastPosition: 7 }, 4);
  assert.deepEqual([queue.size, queue.bytes, queue.isPaged], [5, 5 * BYTES, true]);
  queue.readPage(storeOf(records), 1);
  assert.deepEqual(
    [...queue.waiting()].map((one) => [one.position, one.sent]),
    [
      [3, 'perhaps'],
      [4, 'perhaps'],
      [5, 'never'],
      [6, 'never'],
      [7, 'never'],
    ],
  );
});

test('knows of what the client has received that it was sent, however many lie before it', () => {
  const queue = new Queue(holder(), true);
  const records = Array.from({ length: 4 }, (_, i) => ({ ...entry(i + 3), released: i === 2 }));
  queue.restore({ messages: 4, bytes: 4 * BYTES, shares: 0, lastPosition: 6 }, 3);
  queue.readPage(storeOf(records), 1);
  assert.deepEqual(
    [...queue.waiting()].map(({ sent }) => sent),
    ['perhaps', 'never', 'surely', 'never'],
  );
});

test('forgets what was perhaps sent while its client is away, since it can be read again as that', () => {
  const held = holder();
  const queue = new Queue(held, true);
  const records = Array.from({ length: 4 }, (_, i) => entry(i + 1));
  queue.restore({ messages: 4, bytes: 4 * BYTES, shares: 0, lastPosition: 4 }, 2);
  queue.readPage(storeOf(records), 1);
  queue.spill();
  assert.deepEqual([held.bytes, queue.pagedSize], [0, 4]);
  queue.readPage(storeOf(records), 1);
  assert.deepEqual(
    [...queue.waiting()].map(({ sent }) => sent),
    ['perhaps', 'perhaps', 'never', 'never'],
  );
});

test('knows whether the store alone has something of a shared subscription', () => {
  const queue = new Queue(holder(), true);
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
      const queue = new Queue(holder(), true);
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
