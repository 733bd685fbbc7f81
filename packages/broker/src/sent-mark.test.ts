import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SentMark } from './sent-mark.ts';

/** Batches up to a ticket are durable. */
function durableUpTo(last: number) {
  return { isDurable: (ticket: number) => ticket <= last };
}

test('covers what the store knows, ahead of what was sent, and no more before the next is durable', () => {
  const mark = new SentMark(10);
  assert.equal(mark.begin(1), 74);
  assert.deepEqual([mark.covers(11, durableUpTo(0)), mark.covers(11, durableUpTo(1))], [false, true]);
  assert.deepEqual([mark.covers(74, durableUpTo(1)), mark.covers(75, durableUpTo(1))], [true, false]);
});

test('is due to be raised when half of that is used up, once', () => {
  const mark = new SentMark();
  mark.begin(1);
  assert.deepEqual([mark.isDue(32, durableUpTo(1)), mark.isDue(33, durableUpTo(1))], [false, true]);
  assert.equal(mark.covers(33, durableUpTo(1)), true);
  assert.equal(mark.raise(33, 2), 33 + 256);
  // What it was before holds while the new one is on its way.
  assert.deepEqual([mark.covers(64, durableUpTo(1)), mark.covers(65, durableUpTo(1))], [true, false]);
  assert.equal(mark.isDue(200, durableUpTo(1)), false);
  assert.equal(mark.covers(65, durableUpTo(2)), true);
});

test('runs far ahead of a client that takes much in a batch, and not of one that takes little', () => {
  const mark = new SentMark();
  let ticket = 1;
  mark.begin(ticket);
  /** How far ahead it is where it is raised after each of so many batches. */
  const steps = (...batches: number[]) =>
    batches.map((count) => {
      ticket += count;
      mark.sent(mark.upTo + 5_000);
      return mark.raise(mark.upTo, ticket) - mark.upTo;
    });
  assert.deepEqual(steps(1, 1, 8, 1), [256, 1_024, 4_096, 4_096]);
  assert.deepEqual(steps(9, 64, 65, 65), [4_096, 4_096, 2_048, 1_024]);
  assert.deepEqual(steps(100, 100, 100, 100, 100), [512, 256, 128, 64, 64]);
  assert.deepEqual(steps(1), [256]);
  mark.settle();
  assert.equal(mark.begin(ticket) - mark.upTo, 64);
});

test('never falls below what was sent on the word of a former mark, while the connection lasts', () => {
  const mark = new SentMark();
  mark.begin(1);
  const given = mark.raise(33, 2);
  assert.equal(mark.covers(given, durableUpTo(2)), true);
  assert.equal(mark.begin(3), given);
});

test('says exactly what was sent when nothing is sent any more', () => {
  const mark = new SentMark(7);
  mark.begin(1);
  mark.sent(9);
  mark.sent(8);
  assert.equal(mark.settle(), 9);
  assert.deepEqual([mark.covers(9, durableUpTo(0)), mark.covers(10, durableUpTo(1))], [true, false]);
});
