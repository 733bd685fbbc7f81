import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreError } from './store-error.ts';

test('carries a stable code and its cause', () => {
  const cause = new Error('input/output error');
  const error = new StoreError('commit-failed', 'Cannot write', cause);
  assert.deepEqual(
    [error.name, error.code, error.message, error.cause],
    ['StoreError', 'commit-failed', 'Cannot write', cause],
  );
  assert.equal('cause' in new StoreError('closed', 'Cannot read'), false);
});
