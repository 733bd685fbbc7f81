import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceTurns } from './device-turns.ts';

test('works of one device follow each other, also after one that failed; those of two do not wait', async () => {
  const turns = new DeviceTurns();
  const told: string[] = [];
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const first = turns.run('a', async () => {
    await gate;
    told.push('a1');
    throw new Error('fails');
  });
  const second = turns.run('a', async () => told.push('a2'));
  await turns.run('b', async () => told.push('b'));
  assert.equal(turns.size, 1);
  open();
  await assert.rejects(first, /fails/);
  await second;
  assert.deepEqual(told, ['b', 'a1', 'a2']);
  await Promise.resolve();
  assert.equal(turns.size, 0);
});
