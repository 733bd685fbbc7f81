import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toolVersion } from './version.ts';

test('the version is that of the package', () => {
  assert.match(toolVersion(), /^\d+\.\d+\.\d+/);
});
