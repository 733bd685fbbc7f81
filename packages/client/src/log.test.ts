import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import { Listeners } from './events.ts';
import { isDebugOn, Log, packetLine, withoutSecrets } from './log.ts';
import { published } from './testing/fake-link.ts';

test('DEBUG names the client, alone, among others or by a star', () => {
  const on = ['dunlin:client', 'a,dunlin:client', 'a dunlin:*', '*', 'dunlin*'];
  const off = ['', 'dunlin:server', 'a', 'dunlin:client:x'];
  for (const DEBUG of on) assert.equal(isDebugOn({ process: { env: { DEBUG } } }), true, DEBUG);
  for (const DEBUG of off) assert.equal(isDebugOn({ process: { env: { DEBUG } } }), false, DEBUG);
  assert.equal(isDebugOn({ localStorage: { debug: 'dunlin:*' } }), true);
  assert.equal(isDebugOn({}), false);
  const denied = Object.defineProperty({}, 'localStorage', {
    get: () => {
      throw new Error('denied');
    },
  });
  assert.equal(isDebugOn(denied), false);
});

test('packets are made into lines and told where somebody wants to know; a hook gets the lines', () => {
  const listeners = new Listeners<ClientEvents>();
  const lines: string[] = [];
  const silent = new Log(undefined, listeners, false);
  assert.equal(silent.isOpen, false);
  const off = listeners.on('packetSent', ({ type }) => void lines.push(type));
  assert.equal(silent.isOpen, true);
  silent.sent({ type: 'pingreq' });
  off();
  const log = new Log(({ level, text }) => void lines.push(`${level} ${text}`), listeners, false);
  assert.equal(log.isOpen, true);
  log.line('info', 'hello');
  log.received({ type: 'pingresp' });
  assert.deepEqual(lines, ['pingreq', 'info hello', 'debug < PINGRESP']);
});

test('a packet is one line, without payload and safe for a terminal', () => {
  const packets: [Packet, string][] = [
    [published({ topic: 'a\u001b', qos: 1, packetId: 3, dup: true }), '> PUBLISH 3 "a\\u001b" QoS 1 again 0 bytes'],
    [{ type: 'unsubscribe', packetId: 1, properties: {}, filters: ['a', 'b'] }, '> UNSUBSCRIBE 1 "a", "b"'],
    [{ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} }, '> CONNACK session present'],
    [{ type: 'suback', packetId: 1, properties: {}, reasonCodes: [0, 128] }, '> SUBACK 1 0 128'],
    [{ type: 'puback', packetId: 1, reasonCode: 0x87, properties: {} }, '> PUBACK 1 Not authorized (0x87)'],
  ];
  for (const [packet, line] of packets) assert.equal(packetLine('>', packet), line);
});

test('no secret is told', () => {
  const connect: Packet = {
    type: 'connect',
    protocolVersion: 5,
    bridge: false,
    clientId: 'c',
    cleanStart: true,
    keepAlive: 0,
    password: Uint8Array.of(1),
    properties: { authenticationMethod: 'M', authenticationData: Uint8Array.of(2) },
  };
  const shown = withoutSecrets(connect);
  assert.deepEqual(shown.type === 'connect' && [shown.password?.length, shown.properties], [
    0,
    { authenticationMethod: 'M' },
  ]);
  assert.equal(connect.password?.length, 1);
});
