import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS } from '@dunlin/broker';
import { LOG_LEVELS } from './configuration-table.ts';
import { SERVER_EVENTS } from './events.ts';

test('describes the events of the broker and of the server, each at a level of the log', () => {
  for (const name of Object.keys(EVENTS)) assert.ok(name in SERVER_EVENTS, name);
  for (const [name, { level, description }] of Object.entries(SERVER_EVENTS)) {
    assert.ok(LOG_LEVELS.includes(level), name);
    assert.match(description, /^[A-Z`c].*\.$/, name);
  }
});
