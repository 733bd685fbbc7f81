import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COUNTERS, LIMITS } from '@dunlin/broker';
import { FLAGS, SERVER_EVENTS } from '@dunlin/server';
import { referenceFiles, staleFiles } from './reference.ts';

const files = referenceFiles();
const textOf = (path: string): string => files.get(path) ?? '';

test('has written what the tables say now (npm run reference)', () => {
  assert.deepEqual(staleFiles(files), []);
});

test('notices a file that differs or is missing', () => {
  const changed = new Map([
    ['docs/reference/limits.md', `${textOf('docs/reference/limits.md')}x`],
    ['docs/reference/no-such-page.md', ''],
  ]);
  assert.deepEqual(staleFiles(changed), [...changed.keys()]);
});

test('names every flag, limit, event and counter', () => {
  for (const { long } of FLAGS) assert.ok(textOf('docs/reference/configuration.md').includes(`--${long}`), long);
  for (const name of Object.keys(LIMITS))
    assert.ok(textOf('docs/reference/limits.md').includes(`| \`${name}\` |`), name);
  for (const name of [...Object.keys(SERVER_EVENTS), ...Object.keys(COUNTERS)])
    assert.ok(textOf('docs/reference/events.md').includes(`| \`${name}\` |`), name);
});

test('describes the keys of a listener', () => {
  const page = textOf('docs/reference/configuration.md');
  for (const key of [
    'listeners[].port',
    'listeners[].allowAnonymous',
    'listeners[].limits.connectionsMax',
    'settings.maximumQoS',
  ])
    assert.ok(page.includes(`| \`${key}\` |`), key);
});
