import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from './awaitable.ts';

test('goes on at once with a value, and later with a promise of it', async () => {
  assert.equal(
    after(1, (value) => value + 1),
    2,
  );
  const late = after(Promise.resolve(1), (value) => value + 1);
  assert.ok(late instanceof Promise);
  assert.equal(await late, 2);
});
