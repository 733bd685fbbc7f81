import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, encodeWithin } from './encode.ts';
import { MqttError, type MqttErrorCode } from './errors.ts';
import type { ConnectPacket, Packet, Properties, ProtocolVersion, PublishPacket, SubscribePacket } from './packets.ts';

const CONNECT: ConnectPacket = {
  type: 'connect',
  protocolVersion: 5,
  bridge: false,
  clientId: 'c',
  cleanStart: true,
  keepAlive: 0,
  properties: {},
};
const PUBLISH: PublishPacket = {
  type: 'publish',
  dup: false,
  qos: 0,
  retain: false,
  topic: 't',
  packetId: 0,
  properties: {},
  payload: new Uint8Array(0),
};
const SUBSCRIPTION = { filter: 'f', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
const SUBSCRIBE: SubscribePacket = { type: 'subscribe', packetId: 1, properties: {}, subscriptions: [SUBSCRIPTION] };

function hex(packet: Packet, version: ProtocolVersion): string {
  return Buffer.from(encodePacket(packet, version)).toString('hex');
}

function refuses(packet: unknown, version: ProtocolVersion, code: MqttErrorCode): void {
  assert.throws(
    () => encodePacket(packet as Packet, version),
    (error) => error instanceof MqttError && error.code === code,
  );
}

test('drops properties before 5.0', () => {
  const properties: Properties = { userProperties: [['a', 'b']], reasonString: 'x' };
  assert.equal(hex({ ...PUBLISH, properties }, 4), '3003000174');
  assert.equal(hex({ type: 'puback', packetId: 1, reasonCode: 0x87, properties }, 4), '40020001');
  assert.equal(hex({ type: 'disconnect', reasonCode: 0x8e, properties }, 3), 'e000');
  assert.equal(hex({ ...SUBSCRIBE, properties }, 3), '820600010001 6600'.replace(' ', ''));
  assert.equal(hex({ type: 'unsuback', packetId: 1, properties, reasonCodes: [0x11] }, 4), 'b0020001');
});

test('drops Subscription Options but the QoS before 5.0', () => {
  const subscriptions = [
    { ...SUBSCRIPTION, qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const,
  ];
  assert.equal(hex({ ...SUBSCRIBE, subscriptions }, 4), '820600010001' + '6601');
});

test('translates CONNACK and SUBACK codes before 5.0 [MQTT311-3.9.3-2]', () => {
  assert.equal(hex({ type: 'connack', sessionPresent: false, reasonCode: 0x86, properties: {} }, 4), '20020004');
  assert.equal(hex({ type: 'connack', sessionPresent: false, reasonCode: 5, properties: {} }, 3), '20020005');
  refuses({ type: 'connack', sessionPresent: false, reasonCode: 0x81, properties: {} }, 4, 'protocol-error');
  assert.equal(
    hex({ type: 'suback', packetId: 1, properties: {}, reasonCodes: [0, 0x87, 2, 0xa2] }, 4),
    '9006000100800280',
  );
});

test('writes no Session Present at level 3', () => {
  assert.equal(hex({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} }, 3), '20020000');
  assert.equal(hex({ type: 'connack', sessionPresent: true, reasonCode: 0, properties: {} }, 4), '20020100');
});

test('writes the short forms of acknowledgements and DISCONNECT', () => {
  assert.equal(hex({ type: 'puback', packetId: 1, reasonCode: 0, properties: {} }, 5), '40020001');
  assert.equal(hex({ type: 'pubcomp', packetId: 1, reasonCode: 0x92, properties: {} }, 5), '7003000192');
  assert.equal(hex({ type: 'disconnect', reasonCode: 0, properties: { userProperties: [] } }, 5), 'e000');
  assert.equal(hex({ type: 'disconnect', reasonCode: 0x8b, properties: { reasonString: undefined } }, 5), 'e0018b');
});

test('does not write what its receiver must refuse', () => {
  refuses({ ...PUBLISH, qos: 3 }, 5, 'protocol-error');
  refuses({ ...PUBLISH, dup: true }, 5, 'protocol-error');
  refuses({ ...PUBLISH, qos: 1, packetId: 0 }, 4, 'protocol-error');
  refuses({ ...PUBLISH, qos: 1, packetId: 65_536 }, 4, 'protocol-error');
  refuses({ ...PUBLISH, topic: '' }, 5, 'protocol-error');
  refuses({ ...PUBLISH, topic: '', properties: { topicAlias: 1 } }, 4, 'protocol-error');
  refuses({ ...PUBLISH, topic: 'a/#' }, 5, 'topic-name-invalid');
  refuses({ ...PUBLISH, topic: 'a\0' }, 5, 'malformed-packet');
  refuses({ ...PUBLISH, topic: 'x'.repeat(65_536) }, 5, 'protocol-error');
  refuses({ ...PUBLISH, properties: { topicAlias: 0 } }, 5, 'topic-alias-invalid');
  refuses({ ...SUBSCRIBE, subscriptions: [] }, 5, 'protocol-error');
  refuses({ ...SUBSCRIBE, subscriptions: [{ ...SUBSCRIPTION, qos: 3 }] }, 4, 'protocol-error');
  refuses({ ...SUBSCRIBE, subscriptions: [{ ...SUBSCRIPTION, retainHandling: 3 }] }, 5, 'protocol-error');
  refuses(
    { ...SUBSCRIBE, subscriptions: [{ ...SUBSCRIPTION, filter: '$share/g/a', noLocal: true }] },
    5,
    'protocol-error',
  );
  refuses({ type: 'unsubscribe', packetId: 1, properties: {}, filters: [] }, 5, 'protocol-error');
  refuses({ type: 'suback', packetId: 1, properties: {}, reasonCodes: [] }, 5, 'protocol-error');
  refuses({ type: 'suback', packetId: 1, properties: {}, reasonCodes: [3] }, 4, 'protocol-error');
  refuses({ type: 'unsuback', packetId: 1, properties: {}, reasonCodes: [] }, 5, 'protocol-error');
  refuses({ type: 'puback', packetId: 1, reasonCode: 0x92, properties: {} }, 5, 'protocol-error');
  refuses({ type: 'puback', packetId: 0, reasonCode: 0, properties: {} }, 4, 'protocol-error');
  refuses({ type: 'disconnect', reasonCode: 0x84, properties: {} }, 5, 'protocol-error');
  refuses({ type: 'connack', sessionPresent: true, reasonCode: 0x87, properties: {} }, 5, 'protocol-error');
  refuses({ type: 'auth', reasonCode: 0x18, properties: {} }, 5, 'protocol-error');
  refuses({ type: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'M' } }, 4, 'protocol-error');
});

test('does not write a CONNECT that a server must refuse', () => {
  const will = { topic: 'w', payload: new Uint8Array(0), qos: 0, retain: false, properties: {} };
  refuses({ ...CONNECT, keepAlive: 65_536 }, 5, 'protocol-error');
  refuses({ ...CONNECT, bridge: true }, 5, 'protocol-error');
  refuses({ ...CONNECT, properties: { authenticationData: new Uint8Array(1) } }, 5, 'protocol-error');
  refuses({ ...CONNECT, protocolVersion: 4, password: new Uint8Array(1) }, 4, 'protocol-error');
  refuses({ ...CONNECT, will: { ...will, topic: '' } }, 5, 'topic-name-invalid');
  refuses({ ...CONNECT, will: { ...will, topic: 'a/+' } }, 5, 'topic-name-invalid');
  refuses({ ...CONNECT, will: { ...will, qos: 3 } }, 5, 'protocol-error');
  refuses({ ...CONNECT, will: { ...will, payload: new Uint8Array(65_536) } }, 5, 'protocol-error');
});

test('leaves out the Reason String, then the User Properties, to fit the limit [MQTT-3.4.2-2, 3.4.2-3]', () => {
  const properties: Properties = { reasonString: 'because', userProperties: [['a', 'b']] };
  const packet: Packet = { type: 'puback', packetId: 1, reasonCode: 0x87, properties };
  const lengths = [30, 23, 22, 13, 12, 5].map((maximum) => encodeWithin(packet, 5, maximum)?.length);
  assert.deepEqual(lengths, [23, 23, 13, 13, 5, 5]);
  assert.equal(encodeWithin(packet, 5, 4), undefined);
});

test('leaves out nothing from a PUBLISH that is too large [MQTT-3.3.2-17]', () => {
  const packet = { ...PUBLISH, properties: { userProperties: [['a', 'b']] } } as PublishPacket;
  const { length } = encodePacket(packet, 5);
  assert.equal(encodeWithin(packet, 5, length - 1), undefined);
  assert.equal(encodeWithin(packet, 5, length)?.length, length);
});

test('leaves out problem information where the client wants none [MQTT-3.1.2-29]', () => {
  const properties: Properties = { reasonString: 'because', userProperties: [['a', 'b']] };
  for (const type of ['puback', 'pubrec', 'pubrel', 'pubcomp'] as const) {
    assert.equal(encodeWithin({ type, packetId: 1, reasonCode: 0, properties }, 5, 100, true)?.length, 4);
  }
  assert.equal(encodeWithin({ type: 'suback', packetId: 1, reasonCodes: [0x87], properties }, 5, 100, true)?.length, 6);
  assert.equal(encodeWithin({ type: 'unsuback', packetId: 1, reasonCodes: [0], properties }, 5, 100, true)?.length, 6);
  const kept: readonly Packet[] = [
    { ...PUBLISH, properties: { userProperties: [['a', 'b']] } },
    { type: 'connack', sessionPresent: false, reasonCode: 0x87, properties },
    { type: 'disconnect', reasonCode: 0x8e, properties },
  ];
  for (const packet of kept) assert.deepEqual(encodeWithin(packet, 5, 100, true), encodePacket(packet, 5));
});

test('returns bytes whose memory no later packet touches', () => {
  const first = encodePacket({ type: 'puback', packetId: 1, reasonCode: 0, properties: {} }, 5);
  encodePacket({ type: 'puback', packetId: 2, reasonCode: 0, properties: {} }, 5);
  assert.equal(Buffer.from(first).toString('hex'), '40020001');
});
