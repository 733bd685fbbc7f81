import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIT_ACTIONS, AUDIT_ACTORS } from './audit-names.ts';

test('actions of devices and of API keys have different names', () => {
  const names = Object.keys(AUDIT_ACTIONS);
  assert.ok(names.includes('device.add') && names.includes('key.add'));
});

test('every actor is a word, with what tells it from others of its kind', () => {
  for (const actor of Object.keys(AUDIT_ACTORS)) assert.match(actor, /^[a-z-]+(:[A-Z]+)?$/);
});
