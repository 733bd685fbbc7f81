import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerCache } from './answer-cache.ts';
import { TestClock } from './testing/clock.ts';

test('an answer is found as long as it is not older than whoever asks will have it', () => {
  const clock = new TestClock();
  const cache = answerCache<string>(clock, 10);
  cache.put('k', 'v');
  assert.equal(cache.get('k', 0), undefined);
  clock.pass(99);
  assert.equal(cache.get('k', 100), 'v');
  clock.pass(1);
  assert.deepEqual([cache.get('k', 100), cache.get('k', 500)], [undefined, 'v']);
});

test('an answer that is deleted is not remembered', () => {
  const cache = answerCache<string>(new TestClock(), 10);
  cache.put('k', 'v');
  cache.delete('k');
  assert.equal(cache.get('k', 100), undefined);
});

test('the oldest answers go where there are too many', () => {
  const cache = answerCache<number>(new TestClock(), 2);
  for (const [value, key] of ['a', 'b', 'a', 'c'].entries()) cache.put(key, value);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => cache.get(key, 100)),
    [2, undefined, 3],
  );
});
