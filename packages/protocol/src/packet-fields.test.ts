import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, encodeWithin } from './encode.ts';
import { MqttError } from './errors.ts';
import type { Packet } from './packets.ts';

const PUBLISH = { type: 'publish', dup: false, qos: 0, retain: false, topic: 't', packetId: 0, properties: {} };
const MESSAGE = { ...PUBLISH, payload: new Uint8Array(1) };
const FILTER = { filter: 'f', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 };
const SUBSCRIBE = { type: 'subscribe', packetId: 1, properties: {}, subscriptions: [FILTER] };
const UNSUBSCRIBE = { type: 'unsubscribe', packetId: 1, properties: {}, filters: ['f'] };
const WILL = { topic: 'w', payload: new Uint8Array(0), qos: 0, retain: false, properties: {} };
const CONNECT = { type: 'connect', protocolVersion: 5, bridge: false, clientId: 'c', cleanStart: true, keepAlive: 0 };
const GREETING = { ...CONNECT, properties: {} };

const WRONG: readonly (readonly [packet: object, message: string])[] = [
  [{ ...MESSAGE, topic: undefined }, 'Cannot write PUBLISH: its Topic Name is undefined, expected text'],
  [{ ...MESSAGE, topic: 42 }, 'Cannot write PUBLISH: its Topic Name is the number 42, expected text'],
  [
    { ...MESSAGE, topic: Buffer.from('t') },
    'Cannot write PUBLISH: its Topic Name is of the class Buffer, expected text',
  ],
  [
    { ...MESSAGE, topic: { length: 1e15 } },
    'Cannot write PUBLISH: its Topic Name is of the class Object, expected text',
  ],
  [{ ...MESSAGE, payload: 'text' }, 'Cannot write PUBLISH: its payload is string, expected a Uint8Array'],
  [PUBLISH, 'Cannot write PUBLISH: its payload is undefined, expected a Uint8Array'],
  [{ ...MESSAGE, properties: null }, 'Cannot write PUBLISH: its properties are null, expected an object'],
  [{ ...SUBSCRIBE, properties: undefined }, 'Cannot write SUBSCRIBE: its properties are undefined, expected an object'],
  [{ ...SUBSCRIBE, subscriptions: 'f' }, 'Cannot write SUBSCRIBE: its subscriptions are string, expected an array'],
  [{ ...SUBSCRIBE, subscriptions: ['f'] }, 'Cannot write SUBSCRIBE: its subscription is string, expected an object'],
  [
    { ...SUBSCRIBE, subscriptions: [{ ...FILTER, filter: null }] },
    'Cannot write SUBSCRIBE: its Topic Filter is null, expected text',
  ],
  [{ ...UNSUBSCRIBE, filters: 'f' }, 'Cannot write UNSUBSCRIBE: its filters are string, expected an array'],
  [
    { ...UNSUBSCRIBE, filters: [FILTER] },
    'Cannot write UNSUBSCRIBE: its Topic Filter is of the class Object, expected text',
  ],
  [
    { ...GREETING, protocolVersion: 6 },
    'Cannot write CONNECT: its protocolVersion is the number 6, expected 3, 4 or 5',
  ],
  [{ ...GREETING, clientId: undefined }, 'Cannot write CONNECT: its Client Identifier is undefined, expected text'],
  [{ ...GREETING, username: null }, 'Cannot write CONNECT: its User Name is null, expected text'],
  [{ ...GREETING, password: 'pencil' }, 'Cannot write CONNECT: its Password is string, expected a Uint8Array'],
  [CONNECT, 'Cannot write CONNECT: its properties are undefined, expected an object'],
  [{ ...GREETING, will: null }, 'Cannot write CONNECT: its Will is null, expected an object'],
  [{ ...GREETING, will: { ...WILL, topic: 1 } }, 'Cannot write CONNECT: its Will Topic is the number 1, expected text'],
  [
    { ...GREETING, will: { ...WILL, payload: '' } },
    'Cannot write CONNECT: its Will Payload is string, expected a Uint8Array',
  ],
  [
    { ...GREETING, will: { ...WILL, properties: undefined } },
    'Cannot write CONNECT: its Will Properties are undefined, expected an object',
  ],
];

for (const [packet, message] of WRONG) {
  test(`${message.replace('Cannot write', 'refuses')}`, () => {
    for (const encode of [encodePacket, (wrong: Packet) => encodeWithin(wrong, 5, 1000)]) {
      assert.throws(
        () => encode(packet as Packet, 5),
        (error) => error instanceof MqttError && error.code === 'protocol-error' && error.message === message,
      );
    }
  });
}

test('refuses what is no packet, with the types there are', () => {
  for (const type of ['puplish', 'toString', undefined]) {
    assert.throws(() => encodePacket({ type } as never, 5), {
      code: 'protocol-error',
      message: /expected one of connect, /,
    });
  }
});

test('what 3.x has no room for is not looked at', () => {
  const { properties: _, ...withoutProperties } = MESSAGE;
  assert.equal(Buffer.from(encodePacket(withoutProperties as Packet, 4)).toString('hex'), '300400017400');
});
