import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('no more than so many run at once, the others in their order', async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const ends: (() => void)[] = [];
  const run = (number: number): Promise<number> =>
    turns.take(() => {
      started.push(number);
      return new Promise((resolve) => ends.push(() => resolve(number)));
    });
  const all = [run(1), run(2), run(3), run(4)];
  assert.deepEqual(started, [1, 2]);
  ends[1]();
  assert.equal(await all[1], 2);
  assert.deepEqual(started, [1, 2, 3]);
  ends[0]();
  ends[2]();
  await all[2];
  ends[3]?.();
  assert.deepEqual(await Promise.all(all), [1, 2, 3, 4]);
});

test('one that fails makes room for the next', async () => {
  const turns = new Turns(1);
  await assert.rejects(
    turns.take(() => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await turns.take(async () => 'next'), 'next');
});
