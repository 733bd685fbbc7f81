import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PACKET_TYPES, PacketType, type Side } from './packet-types.ts';
import {
  checkPropertyValue,
  PROPERTIES,
  type PropertyCarrier,
  type PropertyRow,
  propertyIn,
  propertyOf,
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

/** The second column of the table by identifier. */
const NAMES = [
  'Payload Format Indicator',
  'Message Expiry Interval',
  'Content Type',
  'Response Topic',
  'Correlation Data',
  'Subscription Identifier',
  'Session Expiry Interval',
  'Assigned Client Identifier',
  'Server Keep Alive',
  'Authentication Method',
  'Authentication Data',
  'Request Problem Information',
  'Will Delay Interval',
  'Request Response Information',
  'Response Information',
  'Server Reference',
  'Reason String',
  'Receive Maximum',
  'Topic Alias Maximum',
  'Topic Alias',
  'Maximum QoS',
  'Retain Available',
  'User Property',
  'Maximum Packet Size',
  'Wildcard Subscription Available',
  'Subscription Identifier Available',
  'Shared Subscription Available',
];

test('names properties as the standard prints them (2.2.2.2)', () => {
  assert.deepEqual(
    PROPERTIES.map(({ name }) => name),
    NAMES,
  );
});

/** Whether a side may send the property in a packet of this name, and that packet at all. */
function admits({ onlyFrom }: PropertyRow, carrier: PropertyCarrier, sender: Side): boolean {
  const only = onlyFrom[carrier] ?? (carrier === 'will' ? 'client' : PACKET_TYPES[PacketType[carrier] - 1].from);
  return only === 'both' || only === sender;
}

test('finds a property by identifier and by key, in the packets of its table', () => {
  for (const row of PROPERTIES) {
    assert.equal(propertyOf(row.key)?.id, row.id);
    for (const carrier of Object.keys(BY_PACKET) as PropertyCarrier[]) {
      for (const sender of ['client', 'server'] as const) {
        const found = () => propertyIn(row.id, carrier, sender).key;
        if (!row.packets.includes(carrier)) assert.throws(found, { code: 'malformed-packet' });
        else if (!admits(row, carrier, sender)) assert.throws(found, { code: 'protocol-error' });
        else assert.equal(found(), row.key);
      }
    }
  }
  assert.equal(propertyOf('constructor'), undefined);
  assert.throws(() => propertyIn(0, 'publish', 'server'), { code: 'malformed-packet' });
  assert.throws(() => propertyIn(200, 'publish', 'server'), { code: 'malformed-packet' });
});

test('knows what only one side may send [MQTT-3.3.4-6], [MQTT-3.14.2-2] (3.14.2.2.5)', () => {
  const limited = PROPERTIES.filter(({ onlyFrom }) => Object.keys(onlyFrom).length > 0);
  assert.deepEqual(
    limited.map(({ key, onlyFrom }) => [key, onlyFrom]),
    [
      ['subscriptionIdentifiers', { publish: 'server' }],
      ['sessionExpiryInterval', { disconnect: 'client' }],
      ['serverReference', { disconnect: 'server' }],
    ],
  );
});

test('refuses the values that a property cannot have (3.3.2.3, 3.1.2.11)', () => {
  const cases = [
    ['topicAlias', 0, 0x94],
    ['receiveMaximum', 0, 0x82],
    ['maximumQoS', 2, 0x82],
    ['responseTopic', 'a/#', 0x90],
    ['responseTopic', '', 0x90],
  ] as const;
  for (const [key, value, reasonCode] of cases) {
    const row = propertyOf(key)!;
    assert.throws(() => checkPropertyValue(row, value), {
      reasonCode,
      message: new RegExp(`^Cannot use (the )?${row.key}`),
    });
  }
});
