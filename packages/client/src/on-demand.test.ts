import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onDemand } from './on-demand.ts';

test('a part is loaded at its first use and once, and comes in the order of those who ask', async () => {
  let loads = 0;
  const part = onDemand(async () => ++loads);
  assert.equal(loads, 0);
  const order: string[] = [];
  const first = part().then(() => void order.push('first'));
  const second = part().then(() => void order.push('second'));
  await Promise.all([first, second]);
  assert.deepEqual(order, ['first', 'second']);
  assert.equal(await part(), 1);
});

test('what cannot be loaded rejects all who wait, and the next call tries again', async () => {
  const cause = new TypeError('Failed to fetch');
  const answers = [() => Promise.reject(cause), () => Promise.resolve('there')];
  const part = onDemand(async () => answers.shift()?.());
  const failed = { code: 'not-loaded', message: 'Cannot load a part of the client: Failed to fetch', cause };
  await Promise.all([assert.rejects(part(), failed), assert.rejects(part(), failed)]);
  assert.equal(await part(), 'there');
});
