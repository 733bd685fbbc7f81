import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLinger, stopLinger } from './linger.ts';

const LIMIT = { timeout: 20_000 };

test('tells a wire once when its time is over, and no other wire', LIMIT, async () => {
  const told: string[] = [];
  const patient = { lingerOver: () => void told.push('patient') };
  const stopped = { lingerOver: () => void told.push('stopped') };
  startLinger(patient, 3_600_000);
  startLinger(stopped, 0);
  stopLinger(stopped);
  for (const name of ['first', 'second']) {
    await new Promise<void>((resolve) => {
      // The sweep does not keep a process alive, so the test must.
      const alive = setInterval(() => {}, 1000);
      startLinger(
        {
          lingerOver: () => {
            told.push(name);
            clearInterval(alive);
            resolve();
          },
        },
        0,
      );
    });
  }
  stopLinger(patient);
  stopLinger(patient);
  assert.deepEqual(told, ['first', 'second']);
});
