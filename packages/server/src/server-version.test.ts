import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SERVER_VERSION } from './server-version.ts';

test('the version is one of three numbers', () => {
  assert.match(SERVER_VERSION, /^\d+\.\d+\.\d+(-[\w.]+)?$/);
});
