import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { ALLOW_ANONYMOUS } from './identity-configuration.ts';

test('no method may have the name of what lets in those without credentials', () => {
  assert.throws(() => completeConfiguration({ authentication: [{ method: 'anonymous', name: ALLOW_ANONYMOUS }] }), {
    message: 'authentication[0].name is "allowAnonymous": another name is expected',
  });
});
