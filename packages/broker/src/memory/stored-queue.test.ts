import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleMessage } from '../contract/samples.ts';
import type { QueuedRecord } from '../ports.ts';
import { StoredQueue } from './stored-queue.ts';

const message = sampleMessage('a');

function entry(position: number): QueuedRecord {
  return { position, message, qos: 1, retain: false, identifiers: [], share: undefined };
}

test('returns what a plain sorted map would, whatever is added, removed and read', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), gap: fc.integer({ min: 1, max: 1_500 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('page' as const), pick: fc.nat(), limit: fc.nat(20) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new StoredQueue();
      const model = new Map<number, boolean>();
      let last = 0;
      for (const one of steps) {
        if (one.kind === 'add') {
          last += one.gap;
          queue.add(entry(last));
          model.set(last, false);
          continue;
        }
        const position = one.pick % (last + 2);
        if (one.kind === 'remove') {
          if (model.has(position)) queue.remove(position);
          else assert.throws(() => queue.remove(position), /no such entry/);
          model.delete(position);
        } else if (one.kind === 'release') {
          queue.release(position);
          if (model.has(position)) model.set(position, true);
        } else {
          const expected = [...model].filter(([at]) => at > position).slice(0, one.limit);
          const read = queue.page(position, one.limit);
          assert.deepEqual(
            read.map((stored) => [stored.position, stored.released]),
            expected,
          );
        }
      }
      assert.deepEqual(
        queue.page(0, 1_000).map((stored) => stored.position),
        [...model.keys()],
      );
    }),
  );
});

test('refuses a position that does not rise', () => {
  const queue = new StoredQueue();
  queue.add(entry(5));
  queue.add(entry(6));
  assert.throws(() => queue.add(entry(6)), RangeError);
  assert.throws(() => queue.add(entry(3)), RangeError);
});

test('tells the last position there was, also of an entry that is gone: the next broker goes on behind it', () => {
  const queue = new StoredQueue();
  for (const position of [1, 2, 3]) queue.add(entry(position));
  queue.remove(3);
  const { messages, lastPosition } = queue.summary();
  assert.deepEqual([messages, lastPosition], [2, 3]);
  queue.add(entry(lastPosition + 1));
  assert.deepEqual(
    queue.page(0, 10).map(({ position }) => position),
    [1, 2, 4],
  );
});
