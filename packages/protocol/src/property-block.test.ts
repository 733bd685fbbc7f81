import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import type { Properties } from './packets.ts';
import { PROPERTIES, type PropertyCarrier } from './properties.ts';
import { encodeProperties, readProperties, readPropertyBlock } from './property-block.ts';

function refuses(action: () => unknown, reasonCode: number): void {
  assert.throws(action, (error) => error instanceof MqttError && error.reasonCode === reasonCode);
}

const CARRIERS: readonly PropertyCarrier[] = PROPERTIES.flatMap((row) => row.multiple);

test('writes nothing for no properties and a zero for their length [MQTT-2.2.2-1]', () => {
  assert.deepEqual(encodeProperties({}, 'publish'), Uint8Array.of(0));
  assert.deepEqual(encodeProperties({ contentType: undefined, userProperties: [] }, 'publish'), Uint8Array.of(0));
});

test('writes the length in front, in one byte or two [MQTT-1.5.5-1]', () => {
  assert.deepEqual(encodeProperties({ topicAlias: 258 }, 'publish'), Uint8Array.of(3, 0x23, 1, 2));
  const bytes = encodeProperties({ correlationData: new Uint8Array(125) }, 'publish');
  assert.deepEqual(bytes.subarray(0, 5), Uint8Array.of(0x80, 0x01, 0x09, 0, 125));
  assert.equal(bytes.length, 130);
});

test('reads what it wrote, at any offset', () => {
  const properties: Properties = {
    payloadFormatIndicator: 1,
    userProperties: [
      ['é', ''],
      ['é', 'x'],
    ],
    messageExpiryInterval: 0xfffffffe,
    subscriptionIdentifiers: [1, 268_435_455],
  };
  const block = encodeProperties(properties, 'publish');
  const bytes = Uint8Array.of(0xee, ...block, 0xee);
  assert.deepEqual(readProperties(bytes, 2, bytes.length - 1, 'publish', 'server'), properties);
  const reader = new PacketReader('publish', 'server', 5, bytes, 1, bytes.length);
  assert.deepEqual(readPropertyBlock(reader), properties);
  assert.equal(reader.rest, 1);
});

test('reads at most a million values of one property, which take many times the memory of their bytes', () => {
  const block = new Uint8Array(2_000_002).fill(1);
  for (let at = 0; at < block.length; at += 2) block[at] = 0x0b;
  assert.equal(readProperties(block, 0, 2_000_000, 'publish', 'server').subscriptionIdentifiers?.length, 1_000_000);
  assert.throws(() => readProperties(block, 0, 2_000_002, 'publish', 'server'), {
    code: 'packet-too-large',
    reasonCode: 0x95,
    message: /subscriptionIdentifiers has more than 1000000 values/,
  });
});

test('refuses a block that is longer than its packet', () => {
  for (const bytes of [Uint8Array.of(5, 0x01, 0), Uint8Array.of(0x80), new Uint8Array(0)]) {
    const reader = new PacketReader('publish', 'server', 5, bytes, 0, bytes.length);
    refuses(() => readPropertyBlock(reader), 0x81);
  }
});

test('does not write a property where it has no place', () => {
  for (const row of PROPERTIES) {
    const value = {
      byte: 1,
      uint16: 1,
      uint32: 1,
      varint: [1],
      text: 'a',
      binary: new Uint8Array(1),
      pair: [['a', 'b']],
    };
    const properties = { [row.key]: value[row.type] } as Properties;
    if (row.key === 'authenticationData') properties.authenticationMethod = 'M';
    for (const carrier of CARRIERS) {
      if (row.packets.includes(carrier)) assert.ok(encodeProperties(properties, carrier).length > 2);
      else refuses(() => encodeProperties(properties, carrier), 0x82);
    }
  }
  refuses(() => encodeProperties({ unknown: 1 } as Properties, 'publish'), 0x82);
});

test('does not write values a receiver must refuse', () => {
  const long = 'x'.repeat(65_536);
  const cases: readonly [PropertyCarrier, Record<string, unknown>, number][] = [
    ['connect', { receiveMaximum: 0 }, 0x82],
    ['connect', { receiveMaximum: 65_536 }, 0x82],
    ['connect', { maximumPacketSize: 0 }, 0x82],
    ['connect', { maximumPacketSize: 4_294_967_296 }, 0x82],
    ['connect', { sessionExpiryInterval: -1 }, 0x82],
    ['connect', { sessionExpiryInterval: 1.5 }, 0x82],
    ['connect', { sessionExpiryInterval: '1' }, 0x82],
    ['connect', { requestProblemInformation: 2 }, 0x82],
    ['connack', { maximumQoS: 2 }, 0x82],
    ['publish', { topicAlias: 0 }, 0x94],
    ['publish', { subscriptionIdentifiers: [0] }, 0x82],
    ['publish', { subscriptionIdentifiers: [268_435_456] }, 0x82],
    ['subscribe', { subscriptionIdentifiers: [1, 2] }, 0x82],
    ['publish', { responseTopic: '' }, 0x90],
    ['publish', { responseTopic: 'a/+' }, 0x90],
    ['publish', { responseTopic: '#' }, 0x90],
    ['publish', { contentType: long }, 0x82],
    ['publish', { correlationData: new Uint8Array(65_536) }, 0x82],
    ['publish', { userProperties: [['a', long]] }, 0x82],
  ];
  for (const [carrier, properties, reasonCode] of cases) {
    refuses(() => encodeProperties(properties as Properties, carrier), reasonCode);
  }
});

test('does not write text that is no UTF-8 [MQTT-1.5.7-1]', () => {
  for (const bad of ['a\0', '\ud800']) {
    refuses(() => encodeProperties({ contentType: bad }, 'publish'), 0x81);
    refuses(() => encodeProperties({ userProperties: [[bad, '']] }, 'auth'), 0x81);
    refuses(() => encodeProperties({ userProperties: [['', bad]] }, 'auth'), 0x81);
  }
});

test('never reads behind the end of the properties, whatever follows them', () => {
  for (const row of PROPERTIES) {
    const carrier = row.packets[0];
    const memory = new Uint8Array(16).fill(1);
    memory[3] = row.id;
    const sender = carrier === 'connect' || carrier === 'will' ? 'client' : 'server';
    refuses(() => readProperties(memory, 3, 4, carrier, sender), 0x81);
  }
});

test('reads binary values as views and text as copies', () => {
  const bytes = encodeProperties({ correlationData: Uint8Array.of(1, 2), contentType: 'c' }, 'publish');
  const read = readProperties(bytes, 1, bytes.length, 'publish', 'client');
  bytes.fill(7);
  assert.deepEqual(read, { correlationData: Uint8Array.of(7, 7), contentType: 'c' });
});
