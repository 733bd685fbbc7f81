import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { MqttError } from '@dunlin/client';
import {
  connectClient,
  connectOptions,
  PACKET_BYTES_MAX,
  plainPort,
  unanswered,
  unsupportedVersion,
} from './connecting.ts';
import { type ConnectionFlags, newConnectionFlags } from './connection-flags.ts';
import { RecordedTerminal } from './contract/recorded-terminal.ts';

const options = (flags: Partial<ConnectionFlags>) => connectOptions({ ...newConnectionFlags(), ...flags }, 99);

test('what was not given is left to the client, but for the largest packet', () => {
  assert.deepEqual(options({}), {
    protocolVersion: 5,
    keepAlive: 60,
    cleanStart: true,
    properties: {},
    maximumPacketSize: PACKET_BYTES_MAX,
  });
  assert.equal(options({ properties: { connect: { maximumPacketSize: 50 } } }).maximumPacketSize, 50);
  assert.equal(options({ maximumPacketSize: 60 }).maximumPacketSize, 60);
});

test('flags win over the URL', () => {
  const url = { scheme: 'mqtt' as const, host: 'h', username: 'a', password: 'b' };
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

test('a version that the server does not speak is told with those that were not tried', () => {
  const refusal = new MqttError('refused', 'text', { reasonCode: 0x84 });
  const told = (version: 3 | 4 | 5) => unsupportedVersion(refusal, version)?.message.split('\n')[1];
  assert.match(told(5) ?? '', /: try -V 311 or -V 31\.$/);
  assert.match(told(4) ?? '', /: try -V 5 or -V 31\.$/);
  assert.match(told(3) ?? '', /: try -V 5 or -V 311\.$/);
  assert.equal(unsupportedVersion(refusal, 5)?.exitCode, 0x84);
  assert.equal(unsupportedVersion(new MqttError('refused', 'text', { reasonCode: 0x87 }), 5), undefined);
  assert.equal(unsupportedVersion(new Error('text'), 5), undefined);
});

test('a connection that is closed without an answer may be one to a port for TLS', async (context) => {
  const silent = createServer((socket) => socket.once('data', () => socket.end()).on('error', () => {}));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  context.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const flags = { ...newConnectionFlags(), host: '127.0.0.1', port };
  await assert.rejects(connectClient(flags, new RecordedTerminal()), {
    exitCode: 2,
    message: /^The connection was lost: .*\nThe server did not answer: is this its port for TLS/,
  });
  assert.equal(unanswered(new MqttError('refused', 'text', { reasonCode: 0x87 })), undefined);
  assert.equal(unanswered(new Error('text')), undefined);
});

test('TLS or WebSocket that is cut off asks whether the port is one for plain MQTT', async (context) => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (const flags of [{ ws: true }, { tls: { checkHost: false } }, { ws: true, tls: { checkHost: false } }]) {
    const connecting = connectClient(
      { ...newConnectionFlags(), ...flags, host: '127.0.0.1', port },
      new RecordedTerminal(),
    );
    await assert.rejects(connecting, /\(ECONNRESET\)\nIs this a port for plain MQTT/);
  }
  const reset = Object.assign(new Error('x'), { code: 'ECONNRESET' });
  const error = new MqttError('connection-failed', 'text', { cause: reset });
  assert.equal(plainPort(error, new URL('mqtt://h')), undefined);
  assert.equal(plainPort(new MqttError('connection-failed', 'text'), new URL('mqtts://h')), undefined);
});
