import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYSTEM } from './environment.ts';
import { MqttError } from './errors.ts';
import type { ClientOptions } from './options.ts';
import type { OutboxStore } from './outbox-store.ts';
import { settingsOf as settingsFor, userOf } from './settings.ts';

const platform = { dial: () => Promise.reject(new Error('no')), environment: SYSTEM };
const settingsOf = (options: ClientOptions) => settingsFor(platform, 'mqtt://localhost', options);

test('the defaults speak MQTT 5.0 with a new session and a Keep Alive of 60 s', () => {
  const { connect } = settingsOf({});
  assert.match(connect.clientId, /^dunlin[0-9a-z]{16}$/);
  assert.deepEqual(
    { ...connect, clientId: '' },
    {
      type: 'connect',
      protocolVersion: 5,
      bridge: false,
      clientId: '',
      cleanStart: true,
      keepAlive: 60,
      properties: { topicAliasMaximum: 64 },
    },
  );
});

test('with a durable outbox the session outlives the process, unless the application says otherwise', () => {
  const outbox = { store: {} as OutboxStore };
  const { cleanStart, properties } = settingsOf({ outbox }).connect;
  assert.deepEqual([cleanStart, properties.sessionExpiryInterval], [false, 86_400]);
  const own = settingsOf({ outbox, cleanStart: true, properties: { sessionExpiryInterval: 5 } }).connect;
  assert.deepEqual([own.cleanStart, own.properties.sessionExpiryInterval], [true, 5]);
});

test('two clients get different identifiers', () => {
  assert.notEqual(settingsOf({}).connect.clientId, settingsOf({}).connect.clientId);
});

test('a Maximum Packet Size is told to a 5.0 server and kept for itself before', () => {
  assert.equal(settingsOf({ maximumPacketSize: 100 }).connect.properties.maximumPacketSize, 100);
  const older = settingsOf({ maximumPacketSize: 100, protocolVersion: 4 });
  assert.deepEqual([older.connect.properties.maximumPacketSize, older.maximumPacketSize], [undefined, 100]);
  assert.equal(settingsOf({ properties: { maximumPacketSize: 50 } }).maximumPacketSize, 50);
});

test('options that cannot be are refused before anything is dialled', () => {
  const wrong: ClientOptions[] = [
    { protocolVersion: 6 as 5 },
    { keepAlive: 70_000 },
    { clientId: 'a\0' },
    { password: 'p', protocolVersion: 4 },
    { properties: { sessionExpiryInterval: 1 }, protocolVersion: 4 },
  ];
  for (const options of wrong) assert.throws(() => settingsOf(options), MqttError);
  const mistaken: (readonly [ClientOptions, RegExp])[] = [
    [{ keepAlive: -5 }, /Keep Alive is -5 \(number\), expected 0 to 65535/],
    [{ keepAlive: '60' as never }, /Keep Alive is 60 \(string\)/],
    [{ keepAlive: 1.5 }, /Keep Alive is 1\.5/],
    [{ will: { topic: 'a', qos: 4 as never } }, /QoS is 4 \(number\), expected 0 to 2/],
    [{ will: {} as never }, /Will Topic is no text but undefined/],
  ];
  for (const [options, message] of mistaken) assert.throws(() => settingsOf(options), { code: 'invalid', message });
});

test('a URL that is none is told without its password; user and password may be escaped', () => {
  for (const url of [
    'nowhere',
    '',
    'mqtt://u:secret@',
    'mqtt://u:a/secret@host:99999',
    'mqtt://u:a#secret@b c',
    'secret@host',
  ]) {
    assert.throws(
      () => settingsFor(platform, url, {}),
      (error: MqttError) => error.code === 'invalid' && !error.message.includes('secret'),
    );
  }
  assert.deepEqual(userOf(new URL('mqtt://me:s%40cret@h')), { username: 'me', password: 's@cret' });
  assert.deepEqual(userOf(new URL('mqtt://h')), { username: undefined, password: undefined });
  assert.throws(() => userOf(new URL('mqtt://a%:b@h')), { code: 'invalid' });
});
