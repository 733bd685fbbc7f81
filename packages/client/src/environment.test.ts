import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYSTEM } from './environment.ts';

test('a timer fires once, unless it is cancelled', async () => {
  const fired: string[] = [];
  SYSTEM.setTimer(0, () => fired.push('cancelled'))();
  await new Promise<void>((resolve) => {
    SYSTEM.setTimer(0, () => {
      fired.push('fired');
      resolve();
    });
  });
  assert.deepEqual(fired, ['fired']);
});

test('a timer longer than the platform takes does not fire at once', async () => {
  let fired = false;
  const cancel = SYSTEM.setTimer(Number.MAX_SAFE_INTEGER, () => {
    fired = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  cancel();
  assert.equal(fired, false);
});

test('time goes on, and random numbers keep their ranges', () => {
  const before = SYSTEM.nowMs();
  assert.ok(SYSTEM.nowMs() >= before);
  assert.ok(SYSTEM.wallClockMs() > 1_700_000_000_000);
  assert.ok(SYSTEM.random() >= 0 && SYSTEM.random() < 1);
  assert.equal(SYSTEM.randomBytes(16).length, 16);
});
