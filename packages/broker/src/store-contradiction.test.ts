import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreContradiction } from './store-contradiction.ts';

test('says what to do, under a code that stays', () => {
  const { code, message } = new StoreContradiction('Cannot read a: found is b, expected is c');
  assert.deepEqual(
    [code, message],
    ['store-contradicts', 'Cannot read a: found is b, expected is c; restore a backup'],
  );
});
