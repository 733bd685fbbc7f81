import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Packet } from '@dunlin/protocol';
import { traceLine } from './trace.ts';

test('every packet has a line, and secrets stand in none', () => {
  const bytes = Buffer.from('secret');
  const properties = { authenticationMethod: 'M', authenticationData: bytes, reasonString: 'why' };
  const will = { topic: 'w', payload: bytes, qos: 1 as const, retain: true, properties: { willDelayInterval: 5 } };
  const subscription = {
    filter: 'a/#',
    qos: 1 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  };
  const cases: [Packet, string][] = [
    [
      {
        type: 'connect',
        protocolVersion: 5,
        bridge: false,
        clientId: 'c',
        cleanStart: true,
        keepAlive: 60,
        username: 'u',
        password: bytes,
        will,
        properties: { authenticationMethod: 'M', authenticationData: bytes },
      },
      'CONNECT, MQTT 5.0, Client Identifier "c", clean start, keep alive 60 s, user "u", password (not shown), will on "w" QoS 1 retained, authenticationMethod "M", willDelayInterval 5',
    ],
    [
      { type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} },
      'CONNACK, Success (0x00), session present',
    ],
    [{ type: 'connack', sessionPresent: false, reasonCode: 5, properties: {} }, 'CONNACK, Return Code 5'],
    [
      {
        type: 'publish',
        dup: true,
        qos: 2,
        retain: true,
        topic: 't\n',
        packetId: 3,
        properties: { correlationData: bytes },
        payload: bytes,
      },
      'PUBLISH 3, "t\\n", QoS 2, retained, repeated, 6 bytes, correlationData 6 bytes',
    ],
    [{ type: 'puback', packetId: 3, reasonCode: 0x10, properties: {} }, 'PUBACK 3, No matching subscribers (0x10)'],
    [{ type: 'subscribe', packetId: 1, properties: {}, subscriptions: [subscription] }, 'SUBSCRIBE 1, "a/#" QoS 1'],
    [
      {
        type: 'subscribe',
        packetId: 2,
        properties: {},
        subscriptions: [{ ...subscription, noLocal: true, retainAsPublished: true, retainHandling: 2 }, subscription],
      },
      'SUBSCRIBE 2, "a/#" QoS 1 (no local, retain as published, retain handling 2), "a/#" QoS 1',
    ],
    [
      { type: 'suback', packetId: 1, properties: {}, reasonCodes: [0, 0x87] },
      'SUBACK 1, Granted QoS 0 (0x00), Not authorized (0x87)',
    ],
    [{ type: 'unsubscribe', packetId: 1, properties: {}, filters: ['a'] }, 'UNSUBSCRIBE 1, "a"'],
    [{ type: 'unsuback', packetId: 1, properties: {}, reasonCodes: [] }, 'UNSUBACK 1'],
    [{ type: 'pingreq' }, 'PINGREQ'],
    [{ type: 'disconnect', reasonCode: 0, properties: {} }, 'DISCONNECT, Normal disconnection (0x00)'],
    [
      { type: 'auth', reasonCode: 0x18, properties },
      'AUTH, Continue authentication (0x18), authenticationMethod "M", reasonString "why"',
    ],
  ];
  for (const [packet, expected] of cases) {
    assert.equal(traceLine('sent', packet), `> ${expected}`);
    assert.equal(traceLine('received', packet), `< ${expected}`);
    assert.ok(!traceLine('sent', packet).includes('secret'));
  }
});
