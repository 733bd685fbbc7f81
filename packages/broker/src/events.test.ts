import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVENTS } from './events.ts';

test('every event has a level and a sentence', () => {
  for (const [name, { level, description }] of Object.entries(EVENTS)) {
    assert.match(level, /^(debug|info|warn|error)$/, name);
    assert.match(description, /^[A-Z].*\.$/, name);
  }
});

test('every event is told somewhere in the broker', () => {
  const sources = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'events.ts',
  );
  const text = sources.map((file) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8')).join('\n');
  assert.deepEqual(
    Object.keys(EVENTS).filter((name) => !text.includes(`name: '${name}'`)),
    [],
  );
});
