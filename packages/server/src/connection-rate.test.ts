import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '@dunlin/broker';
import { ConnectionRate } from './connection-rate.ts';

function bench(perSecondMax: number) {
  const state = { nowMs: 5_000, isPaused: false, wake: undefined as (() => void) | undefined, wakeAfterMs: 0 };
  const clock: Clock = {
    nowMs: () => 0,
    steadyMs: () => state.nowMs,
    every(delayMs, run) {
      state.wake = run;
      state.wakeAfterMs = delayMs;
      return {
        cancel() {
          state.wake = undefined;
        },
      };
    },
    endOfTurn: (run) => run(),
  };
  const hold = {
    pause: () => {
      state.isPaused = true;
    },
    resume: () => {
      state.isPaused = false;
    },
  };
  return { state, rate: new ConnectionRate(clock, perSecondMax, [hold]) };
}

test('lets so many in and has the others wait until the second is over', () => {
  const { state, rate } = bench(2);
  rate.letIn();
  assert.equal(state.isPaused, false);
  state.nowMs += 400;
  rate.letIn();
  assert.equal(state.isPaused, true);
  assert.equal(state.wakeAfterMs, 600);
  state.nowMs += 600;
  state.wake?.();
  assert.equal(state.isPaused, false);
  assert.equal(state.wake, undefined);
});

test('counts each second by itself', () => {
  const { state, rate } = bench(2);
  for (let second = 0; second < 5; second++) {
    rate.letIn();
    state.nowMs += 1_000;
  }
  assert.equal(state.isPaused, false);
});

test('wakes nobody after it was closed', () => {
  const { state, rate } = bench(1);
  rate.letIn();
  rate.close();
  assert.equal(state.wake, undefined);
});
