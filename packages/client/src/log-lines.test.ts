import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { isNamed, packetLine } from './log-lines.ts';
import { published } from './testing/fake-link.ts';

test('the client is named alone, among others or by a star', () => {
  const on = ['dunlin:client', 'a,dunlin:client', 'a dunlin:*', '*', 'dunlin*'];
  const off = [undefined, '', 'dunlin:server', 'a', 'dunlin:client:x'];
  for (const names of on) assert.equal(isNamed(names), true, names);
  for (const names of off) assert.equal(isNamed(names), false, names);
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
