import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { configurationChanges, reloadedConfiguration } from './configuration-changes.ts';
import { parseConfiguration } from './configuration-file.ts';

const read = (text: string) => completeConfiguration(parseConfiguration(text, 'x'));
const users = (password: string) => `authentication: [{method: users, users: [{name: ada, password: ${password}}]}]\n`;
const former = read(`${users('a')}listeners: [{name: one}, {name: two, port: 1884}]\n`);

test('finds no change where there is none', () => {
  assert.deepEqual(configurationChanges(former, former), { reloaded: [], needsRestart: [] });
});

test('tells what a reload takes over from what needs a restart', () => {
  const next = read(
    `${users('b')}guard: {banS: 5}\nlimits: {receiveMaximum: 5}\n` +
      'listeners: [{name: one, allowAnonymous: true, host: 127.0.0.1}, {name: three, port: 1885}]\n',
  );
  assert.deepEqual(configurationChanges(former, next), {
    reloaded: ['listeners[one].allowAnonymous', 'authentication', 'guard'],
    needsRestart: ['listeners[one].host', 'listeners[two]', 'listeners[three]', 'limits'],
  });
});

test('takes over what it says, and leaves the rest as it was', () => {
  const next = read(
    `${users('b')}limits: {receiveMaximum: 5}\nlisteners: [{name: one, allowAnonymous: true, port: 9}]\n`,
  );
  const reloaded = reloadedConfiguration(former, next);
  assert.deepEqual(
    configurationChanges(former, reloaded),
    configurationChanges(former, { ...next, limits: {}, listeners: reloaded.listeners }),
  );
  assert.deepEqual(
    reloaded.listeners.map(({ name, port, allowAnonymous }) => [name, port, allowAnonymous]),
    [
      ['one', 1883, true],
      ['two', 1884, false],
    ],
  );
  assert.deepEqual(configurationChanges(reloaded, next), {
    reloaded: [],
    needsRestart: ['listeners[one].port', 'listeners[two]', 'limits'],
  });
});
