import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_EVENTS } from './events.ts';

test('every event of devices says in a sentence what happened', () => {
  for (const [name, { description }] of Object.entries(DEVICE_EVENTS)) {
    assert.match(name, /^[a-z][A-Za-z]+$/);
    assert.match(description, /^[A-Z].*\.$/s, name);
  }
});
