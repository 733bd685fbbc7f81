import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReviewLoop } from './review-loop.ts';

function setUp(): { loop: ReviewLoop; reviews: () => number; finish: () => Promise<void> } {
  let begun = 0;
  let finish = (): void => {};
  const loop = new ReviewLoop(() => {
    begun += 1;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  return {
    loop,
    reviews: () => begun,
    finish: async () => {
      finish();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('begins at once', () => {
  const { loop, reviews } = setUp();
  loop.ask();
  assert.equal(reviews(), 1);
});

test('whatever is asked for during a review is one more, after it', async () => {
  const { loop, reviews, finish } = setUp();
  for (let i = 0; i < 1000; i++) loop.ask();
  assert.equal(reviews(), 1);
  await finish();
  assert.equal(reviews(), 2);
  await finish();
  assert.equal(reviews(), 2);
});

test('begins again when it has come to rest', async () => {
  const { loop, reviews, finish } = setUp();
  loop.ask();
  await finish();
  loop.ask();
  assert.equal(reviews(), 2);
});
