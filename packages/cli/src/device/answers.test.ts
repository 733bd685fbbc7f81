import assert from 'node:assert/strict';
import { test } from 'node:test';
import { devicePath } from './answers.ts';

test('what stands in a path is encoded, so that it stays one part of it', () => {
  assert.equal(devicePath('a?b:c', 'tokens', 'x/y'), '/api/v1/devices/a%3Fb%3Ac/tokens/x%2Fy');
});
