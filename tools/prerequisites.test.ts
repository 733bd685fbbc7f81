import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { commandPath, missing, packagesFor } from './prerequisites.ts';

const saved = { CI: process.env.CI, DUNLIN_MISSING: process.env.DUNLIN_MISSING };
function restore(name: 'CI' | 'DUNLIN_MISSING') {
  if (saved[name] === undefined) delete process.env[name];
  else process.env[name] = saved[name];
}
beforeEach(() => {
  delete process.env.CI;
  process.env.DUNLIN_MISSING = 'strace,paho';
});
afterEach(() => {
  restore('CI');
  restore('DUNLIN_MISSING');
});

test('names what is missing and the packages that bring it', () => {
  assert.equal(missing('mosquitto_pub', 'paho'), 'needs paho (Debian: python3 python3-paho-mqtt)');
  assert.equal(missing('mosquitto_pub', 'mosquitto'), false);
});

test('skips nothing under CI=true', () => {
  process.env.CI = 'true';
  assert.equal(missing('strace', 'paho'), false);
});

test('believes an empty list that everything is there', () => {
  process.env.DUNLIN_MISSING = '';
  assert.equal(missing('strace'), false);
});

test('names a package once', () => {
  assert.deepEqual(packagesFor(['mosquitto_pub', 'mosquitto_sub']), ['mosquitto-clients']);
});

test('finds a command by its path and tells of none', () => {
  assert.match(commandPath('sh') ?? '', /\/sh$/);
  assert.equal(commandPath('no-such-command-of-dunlin'), undefined);
});
