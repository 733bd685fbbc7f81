import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutboxError } from './outbox-store.ts';

test('an error of a store has a name, a stable code and its cause', () => {
  const cause = new Error('no room');
  const error = new OutboxError('full', 'Cannot write to the outbox x', cause);
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.message, error.cause],
    ['OutboxError', 'full', 'Cannot write to the outbox x', cause],
  );
});
