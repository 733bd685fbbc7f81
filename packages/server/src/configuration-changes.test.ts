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
    `${users('b')}guard: {banS: 5}\nlog: {level: warn, format: json}\nlimits: {receiveMaximum: 5}\n` +
      'listeners: [{name: one, allowAnonymous: true, host: 127.0.0.1}, {name: three, port: 1885}]\n',
  );
  assert.deepEqual(configurationChanges(former, next), {
    reloaded: ['listeners[one].allowAnonymous', 'authentication', 'log.level'],
    needsRestart: ['listeners[one].host', 'listeners[two]', 'listeners[three]', 'guard', 'log.format', 'limits'],
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

test('whether anybody is asked who they are needs a restart, and all that goes with it', () => {
  const open = read('listeners: [{name: one}]\n');
  const asked = read(
    `${users('a')}authorization: {rulesFile: rules.yaml}\nlog: {level: warn}\nlisteners: [{name: one}]\n`,
  );
  for (const [before, after] of [
    [open, asked],
    [asked, open],
  ]) {
    const { reloaded, needsRestart } = configurationChanges(before, after);
    assert.deepEqual([reloaded, needsRestart], [['log.level'], ['authentication', 'authorization']]);
    assert.deepEqual(reloadedConfiguration(before, after), { ...before, log: after.log });
  }
});

test('without methods, where nobody or a part of the server asks, authorities and rules are taken over, and no listener', () => {
  const before = read('listeners: [{name: one, allowAnonymous: true}]\n');
  const after = {
    ...read('authorities: [{name: ours, certificate: ca.pem}]\nlisteners: [{name: one}]\n'),
    authorization: { rules: [{ allow: 'publish' as const, topics: ['a'] }] },
  };
  assert.deepEqual(configurationChanges(before, after), {
    reloaded: ['authorities', 'authorization'],
    needsRestart: ['listeners[one].allowAnonymous'],
  });
  assert.deepEqual(reloadedConfiguration(before, after), { ...after, listeners: before.listeners });
});
