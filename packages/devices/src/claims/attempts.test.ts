import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../testing/clock.ts';
import { Attempts } from './attempts.ts';

test('so many tries of a name count within the window, and as many again after it', () => {
  const clock = new TestClock();
  const attempts = new Attempts(clock, 1_000, 2);
  assert.deepEqual(
    [attempts.take('a'), attempts.take('a'), attempts.take('a'), attempts.take('b')],
    [true, true, false, true],
  );
  clock.pass(999);
  assert.equal(attempts.take('a'), false);
  clock.pass(1);
  assert.equal(attempts.take('a'), true);
});

test('a try that was given back counts no more, and gives no more than there were', () => {
  const attempts = new Attempts(new TestClock(), 1_000, 1);
  attempts.giveBack('a');
  assert.equal(attempts.take('a'), true);
  attempts.giveBack('a');
  attempts.giveBack('a');
  assert.deepEqual([attempts.take('a'), attempts.take('a')], [true, false]);
});
