import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decoded, findingOf } from './damage.ts';
import { Key } from './keys.ts';
import { StoreError } from './store-error.ts';
import { decodeSummary } from './values.ts';

test('names the key of what cannot be read, and what to do', () => {
  const key = new Key().sessionPart(4, 1).copy();
  assert.throws(
    () => decoded(key, Buffer.of(1, 2), decodeSummary),
    (error: unknown) =>
      error instanceof StoreError &&
      error.code === 'damaged' &&
      /^Cannot read session of session 4 .*: it ends after 2 bytes, expected .*; restore a backup$/.test(error.message),
  );
});

test('leaves other errors as they are', () => {
  const fault = new TypeError('ours');
  assert.throws(
    () =>
      decoded(Buffer.of(1), Buffer.of(1), () => {
        throw fault;
      }),
    fault,
  );
});

test('has a finding without the advice, for a list', () => {
  assert.equal(findingOf(new Error('Cannot open a: it is short; restore a backup')), 'Cannot open a: it is short');
  assert.equal(findingOf(new Error('other')), 'other');
});
