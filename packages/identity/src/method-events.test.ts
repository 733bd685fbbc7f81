import assert from 'node:assert/strict';
import { test } from 'node:test';
import { METHOD_EVENTS } from './method-events.ts';

test('every event says in a sentence what happened', () => {
  for (const [name, { description }] of Object.entries(METHOD_EVENTS)) assert.match(description, /^[A-Z].*\.$/, name);
});
