import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectOptions } from './connecting.ts';
import { type ConnectionFlags, newConnectionFlags } from './connection-flags.ts';

const options = (flags: Partial<ConnectionFlags>) => connectOptions({ ...newConnectionFlags(), ...flags }, 99);

test('what was not given is left to the client', () => {
  assert.deepEqual(options({}), { protocolVersion: 5, keepAlive: 60, cleanStart: true, properties: {} });
});

test('flags win over the URL', () => {
  const url = { host: 'h', username: 'a', password: 'b' };
  const { username, password } = options({ url, username: 'c' });
  assert.deepEqual([username, password], ['c', 'b']);
});

test('a prefix is completed with the process number', () => {
  assert.equal(options({ idPrefix: 'cam-' }).clientId, 'cam-99');
});

test('-c keeps the session for ever in 5.0, -x says otherwise, and the will has its properties', () => {
  const expiry = (flags: Partial<ConnectionFlags>) =>
    options({ clientId: 'i', ...flags }).properties?.sessionExpiryInterval;
  assert.equal(expiry({ cleanStart: false }), 0xffff_ffff);
  assert.equal(expiry({ cleanStart: false, sessionExpiry: 5 }), 5);
  assert.equal(expiry({ cleanStart: false, version: 4 }), undefined);
  assert.equal(expiry({ properties: { connect: { sessionExpiryInterval: 7 } } }), 7);
  const properties = { will: { willDelayInterval: 5 } };
  assert.deepEqual(options({ will: { topic: 'w', qos: 1 }, properties }).will, {
    topic: 'w',
    payload: '',
    qos: 1,
    retain: false,
    properties: { willDelayInterval: 5 },
  });
});
