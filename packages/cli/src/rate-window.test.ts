import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateWindow, WINDOW_SECONDS } from './rate-window.ts';

test('a steady rate is told as it is, from the first seconds on', () => {
  const window = new RateWindow();
  for (let ms = 500; ms <= 60_500; ms += 100) {
    window.add(ms);
    if (ms >= 2500) assert.ok(Math.abs(window.perSecond(ms) - 10) < 0.7, `${window.perSecond(ms)} at ${ms}`);
  }
});

test('silence ends it, and one message is not a thousand a second', () => {
  const window = new RateWindow();
  assert.equal(window.perSecond(0), 0);
  window.add(1000);
  assert.equal(window.perSecond(1001), 1);
  assert.equal(window.perSecond(1000 + WINDOW_SECONDS * 1000), 0);
  window.add(500_000);
  assert.ok(window.perSecond(500_000) <= 1);
});
