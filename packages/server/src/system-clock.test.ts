import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { systemClock } from './system-clock.ts';

test('tells the wall clock in milliseconds', () => {
  const before = Date.now();
  const now = systemClock.nowMs();
  assert.ok(now >= before && now <= Date.now());
});

test('calls again and again until it is cancelled', async () => {
  let calls = 0;
  await new Promise<void>((resolve) => {
    const alive = setInterval(() => {}, 1_000);
    const timer = systemClock.every(1, () => {
      if (++calls < 3) return;
      timer.cancel();
      clearInterval(alive);
      resolve();
    });
  });
  assert.equal(calls, 3);
});

test('ends a turn after the work that is in it', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.endOfTurn(() => {
      order.push('end');
      resolve();
    });
    process.nextTick(() => order.push('tick'));
    order.push('turn');
  });
  assert.deepEqual(order, ['turn', 'tick', 'end']);
});

test('keeps no process alive', () => {
  const clock = new URL('./system-clock.ts', import.meta.url);
  const program = `const { systemClock } = await import(${JSON.stringify(clock.href)}); systemClock.every(10, () => {});`;
  const parameters = ['--conditions=@dunlin/source', '--input-type=module', '-e', program];
  assert.equal(spawnSync(process.execPath, parameters, { timeout: 30_000 }).status, 0);
});
