import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import type { Properties } from './packets.ts';
import {
  encodeProperties,
  PROPERTIES,
  type PropertyCarrier,
  propertiesLength,
  readProperties,
  writeProperties,
} from './properties.ts';

/** The table "by packet" of the standard (2.2.2.2). */
const BY_PACKET: Record<PropertyCarrier, string> = {
  connect: '11 15 16 17 19 21 22 26 27',
  will: '1 2 3 8 9 18 26',
  connack: '11 12 13 15 16 1a 1c 1f 21 22 24 25 26 27 28 29 2a',
  publish: '1 2 3 8 9 b 23 26',
  puback: '1f 26',
  pubrec: '1f 26',
  pubrel: '1f 26',
  pubcomp: '1f 26',
  subscribe: 'b 26',
  suback: '1f 26',
  unsubscribe: '26',
  unsuback: '1f 26',
  disconnect: '11 1c 1f 26',
  auth: '15 16 1f 26',
};

function refuses(action: () => unknown, reasonCode: number): void {
  assert.throws(action, (error) => error instanceof MqttError && error.reasonCode === reasonCode);
}

test('holds the 27 properties of the standard, each in the packets of its table (2.2.2.2)', () => {
  assert.equal(PROPERTIES.length, 27);
  assert.equal(new Set(PROPERTIES.map((row) => row.key)).size, 27);
  for (const [packet, ids] of Object.entries(BY_PACKET)) {
    const found = PROPERTIES.filter((row) => row.packets.includes(packet as PropertyCarrier));
    assert.equal(found.map((row) => row.id.toString(16)).join(' '), ids, packet);
  }
});

test('lets only User Property repeat, and Subscription Identifier in PUBLISH (2.2.2.2)', () => {
  const repeatable = PROPERTIES.filter((row) => row.multiple.length > 0);
  assert.deepEqual(
    repeatable.map((row) => row.key),
    ['subscriptionIdentifiers', 'userProperties'],
  );
  assert.deepEqual(repeatable[0].multiple, ['publish']);
  assert.deepEqual([...repeatable[1].multiple].sort(), Object.keys(BY_PACKET).sort());
});

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

test('writes at an offset what it counted', () => {
  const properties: Properties = {
    payloadFormatIndicator: 1,
    userProperties: [['é', '']],
    messageExpiryInterval: 0xfffffffe,
  };
  const length = propertiesLength(properties, 'publish');
  const bytes = new Uint8Array(length + 10).fill(0xee);
  assert.equal(writeProperties(bytes, 5, properties), 5 + length);
  assert.deepEqual([...bytes.subarray(0, 5), ...bytes.subarray(5 + length)], Array(10).fill(0xee));
  assert.deepEqual(readProperties(bytes, 5, 5 + length, 'publish', 'client'), properties);
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
    for (const carrier of Object.keys(BY_PACKET) as PropertyCarrier[]) {
      if (row.packets.includes(carrier)) assert.ok(propertiesLength(properties, carrier) > 1);
      else refuses(() => propertiesLength(properties, carrier), 0x82);
    }
  }
  refuses(() => propertiesLength({ unknown: 1 } as Properties, 'publish'), 0x82);
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
    ['publish', { contentType: long }, 0x81],
    ['publish', { correlationData: new Uint8Array(65_536) }, 0x81],
    ['publish', { userProperties: [['a', long]] }, 0x81],
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
    refuses(() => readProperties(memory, 3, 4, carrier, row.onlyFrom[carrier] ?? 'server'), 0x81);
  }
});

test('reads binary values as views and text as copies', () => {
  const bytes = encodeProperties({ correlationData: Uint8Array.of(1, 2), contentType: 'c' }, 'publish');
  const read = readProperties(bytes, 1, bytes.length, 'publish', 'client');
  bytes.fill(7);
  assert.deepEqual(read, { correlationData: Uint8Array.of(7, 7), contentType: 'c' });
});
