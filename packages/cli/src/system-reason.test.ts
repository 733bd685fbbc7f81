import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemReason } from './system-reason.ts';

test('the reason of the system stands without the call and the path, another message as it is', () => {
  assert.throws(
    () => readFileSync('no/such, file'),
    (error) => systemReason(error) === 'no such file or directory (ENOENT)',
  );
  assert.throws(
    () => readFileSync('.'),
    (error) => systemReason(error) === 'illegal operation on a directory (EISDIR)',
  );
  assert.equal(systemReason(new Error('too long, by far')), 'too long, by far');
});
