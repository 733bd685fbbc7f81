import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeInTurn, closeTogether } from './closing.ts';

async function fail(reason: string): Promise<void> {
  await Promise.resolve();
  throw new Error(reason);
}

test('waits for all that close at once, and then tells what failed', async () => {
  const done: string[] = [];
  const slow = Promise.resolve().then(async () => {
    await new Promise((resolve) => setImmediate(resolve));
    done.push('slow');
  });
  await assert.rejects(closeTogether([fail('first'), slow]), /^Error: first$/);
  assert.deepEqual(done, ['slow']);
  await closeTogether([]);
});

test('takes every step in order, also behind one that fails, and tells the first failure', async () => {
  const done: string[] = [];
  const steps = [
    () => fail('first'),
    () => {
      done.push('two');
      return undefined;
    },
    () => fail('third'),
    async () => {
      done.push('four');
    },
  ];
  await assert.rejects(closeInTurn(steps), /^Error: first$/);
  assert.deepEqual(done, ['two', 'four']);
});
