import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { payloadBytes, settingsOf } from './settings.ts';

test('the defaults speak MQTT 5.0 with a new session and a Keep Alive of 60 s', () => {
  const { connect, ...settings } = settingsOf({});
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
      properties: {},
    },
  );
  assert.deepEqual(settings, {
    authentication: undefined,
    maximumPacketSize: 268_435_460,
    connectTimeoutMs: 30_000,
    operationTimeoutMs: Number.POSITIVE_INFINITY,
    pingTimeoutMs: 10_000,
    publishesMax: 100_000,
    iteratorMessagesMax: 1000,
    signal: undefined,
    on: {},
  });
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

test('a version that does not exist is refused', () => {
  assert.throws(() => settingsOf({ protocolVersion: 6 as 5 }), MqttError);
});

test('payloads become bytes; bytes are taken as they are', () => {
  const bytes = Uint8Array.of(1);
  assert.equal(payloadBytes(bytes), bytes);
  assert.equal(Buffer.from(payloadBytes('å')).toString('hex'), 'c3a5');
  assert.equal(Buffer.from(payloadBytes({ a: 1 })).toString(), '{"a":1}');
  const circular: { self?: object } = {};
  circular.self = circular;
  for (const payload of [undefined, Symbol('x'), circular, 1n]) {
    assert.throws(() => payloadBytes(payload as never), MqttError);
  }
});
