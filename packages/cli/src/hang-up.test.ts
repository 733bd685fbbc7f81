import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepHangUp } from './hang-up.ts';

/** How often a listener that comes later hears of SIGHUP, of `before` signals that came earlier. */
async function heard(before: number): Promise<number> {
  const listeners = process.listenerCount('SIGHUP');
  let count = 0;
  const listen = (): void => {
    count += 1;
  };
  keepHangUp();
  process.on('SIGUSR2', listen).off('SIGUSR2', listen);
  for (let signal = 0; signal < before; signal++) process.emit('SIGHUP', 'SIGHUP');
  process.on('SIGHUP', listen);
  await Promise.resolve();
  assert.equal(process.listenerCount('SIGHUP'), listeners + 1);
  process.off('SIGHUP', listen);
  return count;
}

test('whoever listens for SIGHUP first is told once of those that came before', async () => {
  assert.equal(await heard(0), 0);
  assert.equal(await heard(1), 1);
  assert.equal(await heard(3), 1);
});

test('there is a listener at every moment from then on', async () => {
  const counts: number[] = [];
  const look = (event: string | symbol): void => {
    if (event === 'SIGHUP') counts.push(process.listenerCount('SIGHUP'));
  };
  process.on('removeListener', look);
  await heard(1);
  process.off('removeListener', look);
  // The second is that of the test itself.
  assert.equal(counts.length, 2);
  assert.ok(counts[0] >= 1);
});
