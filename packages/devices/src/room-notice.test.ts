import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RoomNotice } from './room-notice.ts';
import { TestClock } from './testing/clock.ts';

test('the first one is told at once, those behind it once an hour together', () => {
  const clock = new TestClock();
  const told: number[] = [];
  const notice = new RoomNotice(clock, (count) => told.push(count));
  for (let index = 0; index < 5; index++) notice.madeRoom();
  assert.deepEqual(told, [1]);
  clock.pass(3_600_000);
  notice.madeRoom();
  assert.deepEqual(told, [1, 5]);
});
