import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArrivalCounts, Arrivals } from './arrivals.ts';

function counted(first: number, ...sequences: number[]): Omit<ArrivalCounts, 'awaited'> {
  const counts = new ArrivalCounts();
  const arrivals = new Arrivals(counts, first);
  for (const sequence of sequences) arrivals.take(sequence);
  const { awaited, ...told } = counts;
  assert.ok(awaited <= told.missing);
  return told;
}

test('in order nothing is told', () => {
  assert.deepEqual(counted(0, 0, 1, 2), { unique: 3, duplicated: 0, outOfOrder: 0, missing: 0 });
});

test('a gap is missing, until what is late fills it', () => {
  assert.deepEqual(counted(0, 0, 3), { unique: 2, duplicated: 0, outOfOrder: 0, missing: 2 });
  assert.deepEqual(counted(0, 0, 3, 1, 2), { unique: 4, duplicated: 0, outOfOrder: 2, missing: 0 });
});

test('what came before is a duplicate, also where it was late at first', () => {
  assert.deepEqual(counted(0, 0, 0, 2, 1, 1), { unique: 3, duplicated: 2, outOfOrder: 1, missing: 0 });
});

test('a receiver that came later misses nothing of before', () => {
  assert.deepEqual(counted(10, 10, 11, 9), { unique: 3, duplicated: 0, outOfOrder: 1, missing: 0 });
});

test('a gap that would cost too much memory is counted and not remembered', () => {
  const counts = new ArrivalCounts();
  const arrivals = new Arrivals(counts, 0);
  arrivals.take(4_000_000_000);
  assert.deepEqual([counts.missing, counts.awaited], [4_000_000_000, 0]);
});
