import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerCache } from './answer-cache.ts';
import { TestClock } from './testing/clock.ts';

test('an answer is fresh for a time, and remembered for a longer one', () => {
  const clock = new TestClock();
  const cache = answerCache<string>(clock, 10);
  cache.put('k', 'v', 100, 500);
  clock.pass(99);
  assert.equal(cache.get('k', 'fresh'), 'v');
  clock.pass(1);
  assert.deepEqual([cache.get('k', 'fresh'), cache.get('k', 'stale')], [undefined, 'v']);
  clock.pass(400);
  assert.equal(cache.get('k', 'stale'), undefined);
});

test('an answer for no time is not remembered, and takes the place of a former one', () => {
  const cache = answerCache<string>(new TestClock(), 10);
  cache.put('k', 'v', 100, 100);
  cache.put('k', 'w', 0, 0);
  assert.equal(cache.get('k', 'stale'), undefined);
});

test('the oldest answers go where there are too many', () => {
  const cache = answerCache<number>(new TestClock(), 2);
  for (const [value, key] of ['a', 'b', 'a', 'c'].entries()) cache.put(key, value, 100, 100);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.get(key, 'fresh')),
    [2, undefined, 3],
  );
  cache.clear();
  assert.equal(cache.get('c', 'stale'), undefined);
});
