import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestRate } from './request-rate.ts';
import { StandingClock } from './testing/host.ts';

test('a caller has a second’s worth at once, then so many a second, whatever others do', () => {
  const clock = new StandingClock();
  const rate = new RequestRate(clock, 3);
  const taken = (caller: string) => Array.from({ length: 5 }, () => rate.take(caller)).filter(Boolean).length;
  assert.deepEqual([taken('a'), taken('b'), taken('a')], [3, 3, 0]);
  clock.ms += 334;
  assert.equal(taken('a'), 1);
  clock.ms += 60_000;
  assert.equal(taken('a'), 3);
});
