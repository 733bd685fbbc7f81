import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type RealTime, Schedule } from './schedule.ts';

/** A time that the test moves. */
class TestTime implements RealTime {
  now = 1000;
  timer: { atMs: number; call: () => void } | undefined;

  nowMs(): number {
    return this.now;
  }

  wallClockMs(): number {
    return 5_000_000 + this.now;
  }

  setTimer(ms: number, call: () => void): () => void {
    this.timer = { atMs: this.now + ms, call };
    return () => {
      this.timer = undefined;
    };
  }

  /** Moves on, timer by timer. */
  pass(ms: number): void {
    const end = this.now + ms;
    while (this.timer !== undefined && this.timer.atMs <= end) {
      const { atMs, call } = this.timer;
      this.timer = undefined;
      this.now = atMs;
      call();
    }
    this.now = end;
  }
}

test('calls come in the order of their times, and of two at one time in the order of planning', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), (times) => {
      const time = new TestTime();
      const schedule = new Schedule(time, 1, undefined);
      const called: [number, number][] = [];
      for (const [order, atMs] of times.entries()) schedule.at(atMs, () => called.push([atMs, order]));
      time.pass(100);
      assert.deepEqual(
        called,
        called.toSorted(([a, x], [b, y]) => a - b || x - y),
      );
      assert.equal(called.length, times.length);
    }),
  );
});

test('simulated time runs at its speed, from its beginning', () => {
  const time = new TestTime();
  const schedule = new Schedule(time, 60, 1_700_000_000_000);
  let calledAtMs = 0;
  schedule.at(60_000, () => {
    calledAtMs = time.now;
  });
  time.pass(999);
  assert.equal(calledAtMs, 0);
  time.pass(1);
  assert.deepEqual([calledAtMs, schedule.nowMs, schedule.wallClockMs], [2000, 60_000, 1_700_000_060_000]);
  assert.equal(new Schedule(time, 1, undefined).wallClockMs, 5_002_000);
});

test('an earlier call moves the timer, one that is taken back and one after the end never comes', () => {
  const time = new TestTime();
  const schedule = new Schedule(time, 1, undefined);
  const called: string[] = [];
  schedule.at(50, () => called.push('late'));
  schedule.at(10, () => called.push('early'));
  schedule.at(20, () => called.push('back'))();
  time.pass(30);
  assert.deepEqual(called, ['early']);
  schedule.stop();
  schedule.at(40, () => called.push('stopped'));
  time.pass(100);
  assert.deepEqual(called, ['early']);
});
