import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SentMark } from './sent-mark.ts';

/** Batches up to a ticket are durable. */
function durableUpTo(last: number) {
  return { isDurable: (ticket: number) => ticket <= last };
}

test('covers what the store knows, some thousand positions ahead of what was sent, and no more before the next is durable', () => {
  const mark = new SentMark(10);
  assert.equal(mark.raise(0, 1), 4_106);
  assert.deepEqual([mark.covers(11, durableUpTo(0)), mark.covers(11, durableUpTo(1))], [false, true]);
  assert.deepEqual([mark.covers(4_106, durableUpTo(1)), mark.covers(4_107, durableUpTo(1))], [true, false]);
});

test('is due to be raised when half of that is used up, once', () => {
  const mark = new SentMark();
  mark.raise(0, 1);
  assert.deepEqual([mark.isDue(2_048, durableUpTo(1)), mark.isDue(2_049, durableUpTo(1))], [false, true]);
  assert.equal(mark.covers(2_049, durableUpTo(1)), true);
  assert.equal(mark.raise(2_049, 2), 6_145);
  // What it was before holds while the new one is on its way.
  assert.deepEqual([mark.covers(4_096, durableUpTo(1)), mark.covers(4_097, durableUpTo(1))], [true, false]);
  assert.equal(mark.isDue(6_000, durableUpTo(1)), false);
  assert.equal(mark.covers(4_097, durableUpTo(2)), true);
});

test('says exactly what was sent when nothing is sent any more', () => {
  const mark = new SentMark(7);
  mark.raise(0, 1);
  mark.sent(9);
  mark.sent(8);
  assert.equal(mark.settle(), 9);
  assert.deepEqual([mark.covers(9, durableUpTo(0)), mark.covers(10, durableUpTo(1))], [true, false]);
});
