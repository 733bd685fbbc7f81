/** Properties of the whole codec: what is encoded decodes to itself, and no bytes do anything unexpected. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodePacket } from './decode.ts';
import { encodePacket, encodeWithin } from './encode.ts';
import { MqttError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import { PACKET_TYPES, type PacketName, type Side } from './packet-types.ts';
import type { Packet, Properties, ProtocolVersion } from './packets.ts';
import { PROPERTIES, type PropertyCarrier, type PropertyRow } from './properties.ts';
import { isReasonCodeAllowed } from './reason-codes.ts';
import { PACKET_BYTES_MAXIMUM } from './varint.ts';

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5];
const SIDES: readonly Side[] = ['client', 'server'];

/** Text a strict receiver admits. */
const text = fc
  .string({ unit: 'grapheme', maxLength: 20 })
  .map((value) => value.replace(/[\p{Cc}\p{Noncharacter_Code_Point}]/gu, '.'));
const topic = text.map((value) => `t${value.replace(/[+#]/g, '_')}`);
const binary = fc.uint8Array({ maxLength: 40 });
/** Objects with the ordinary prototype, as the decoder makes them. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true });
}

/** The same with every field left out now and then, save the required ones. */
function partial<T>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  requiredKeys: (keyof T)[],
): fc.Arbitrary<Partial<T>> {
  return fc.record(fields, { noNullPrototype: true, requiredKeys }) as fc.Arbitrary<Partial<T>>;
}

const qos = fc.constantFrom(0, 1, 2);
const packetId = fc.oneof(fc.constantFrom(1, 256, 65_535), fc.integer({ min: 1, max: 65_535 }));

function anyValue(property: PropertyRow): fc.Arbitrary<unknown> {
  const minimum = property.values === 'not-zero' ? 1 : 0;
  if (property.values === 'bit') return fc.constantFrom(0, 1);
  if (property.values === 'topic-name') return topic;
  switch (property.type) {
    case 'byte':
      return fc.integer({ min: minimum, max: 255 });
    case 'uint16':
      return fc.integer({ min: minimum, max: 65_535 });
    case 'uint32':
      return fc.oneof(fc.integer({ min: minimum, max: 4_294_967_295 }), fc.constant(4_294_967_295));
    case 'varint':
      return fc.oneof(fc.integer({ min: minimum, max: 268_435_455 }), fc.integer({ min: minimum, max: 300 }));
    case 'text':
      return text;
    case 'binary':
      return binary;
    case 'pair':
      return fc.tuple(text, text);
  }
}

/** Any set of the properties the carrier may have from this sender; none before 5.0. */
function propertiesOf(carrier: PropertyCarrier, sender: Side, version: ProtocolVersion): fc.Arbitrary<Properties> {
  if (version !== 5) return fc.constant({});
  const rows = PROPERTIES.filter(
    (row) => row.packets.includes(carrier) && (row.onlyFrom[carrier] ?? sender) === sender,
  );
  const fields = rows.map((row) => {
    if (row.multiple.length === 0) return [row.key, anyValue(row)] as const;
    const maxLength = row.multiple.includes(carrier) ? 4 : 1;
    return [row.key, fc.array(anyValue(row), { minLength: 1, maxLength })] as const;
  });
  return partial(Object.fromEntries(fields), []) as fc.Arbitrary<Properties>;
}

function withMethod(properties: Properties): Properties {
  return properties.authenticationData === undefined ? properties : { authenticationMethod: 'M', ...properties };
}

function reasonCode(name: PacketName, sender: Side, version: ProtocolVersion): fc.Arbitrary<number> {
  if (version !== 5) return fc.constant(0);
  return fc.constantFrom(
    ...Array.from({ length: 256 }, (_, code) => code).filter((code) => isReasonCodeAllowed(name, code, sender)),
  );
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const will = record({
    topic,
    payload: binary,
    qos,
    retain: fc.boolean(),
    properties: propertiesOf('will', 'client', version),
  });
  return partial(
    {
      type: fc.constant('connect'),
      protocolVersion: fc.constant(version),
      bridge: version === 5 ? fc.constant(false) : fc.boolean(),
      clientId: text,
      cleanStart: fc.boolean(),
      keepAlive: fc.integer({ min: 0, max: 65_535 }),
      username: text,
      password: binary,
      will,
      properties: propertiesOf('connect', 'client', version).map(withMethod),
    },
    ['type', 'protocolVersion', 'bridge', 'clientId', 'cleanStart', 'keepAlive', 'properties'],
  ).filter(
    (packet) => version === 5 || packet.password === undefined || packet.username !== undefined,
  ) as fc.Arbitrary<Packet>;
}

function publish(version: ProtocolVersion, sender: Side): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant('publish'),
    dup: fc.boolean(),
    qos,
    retain: fc.boolean(),
    topic: fc.oneof(topic, fc.constant('')),
    packetId,
    properties: propertiesOf('publish', sender, version),
    payload: binary,
  })
    .filter((packet) => packet.topic !== '' || packet.properties.topicAlias !== undefined)
    .map((packet) => (packet.qos === 0 ? { ...packet, dup: false, packetId: 0 } : packet)) as fc.Arbitrary<Packet>;
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const subscription = record({
    filter: fc.oneof(text, fc.constantFrom('a/+', '#', '$share/g/a')),
    qos,
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
  });
  const admitted = subscription.map((one) => {
    if (version !== 5) return { ...one, noLocal: false, retainAsPublished: false, retainHandling: 0 };
    return one.filter.startsWith('$share/') ? { ...one, noLocal: false } : one;
  });
  return record({
    type: fc.constant('subscribe'),
    packetId,
    properties: propertiesOf('subscribe', 'client', version),
    subscriptions: fc.array(admitted, { minLength: 1, maxLength: 5 }),
  }) as fc.Arbitrary<Packet>;
}

function coded(name: 'suback' | 'unsuback', version: ProtocolVersion): fc.Arbitrary<Packet> {
  const codes =
    version === 5 ? reasonCode(name, 'server', 5) : name === 'suback' ? fc.constantFrom(0, 1, 2, 0x80) : fc.constant(0);
  return record({
    type: fc.constant(name),
    packetId,
    properties: propertiesOf(name, 'server', version),
    reasonCodes:
      version !== 5 && name === 'unsuback' ? fc.constant([]) : fc.array(codes, { minLength: 1, maxLength: 5 }),
  }) as fc.Arbitrary<Packet>;
}

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return record({
    type: fc.constant('connack'),
    sessionPresent: version === 3 ? fc.constant(false) : fc.boolean(),
    reasonCode: version === 5 ? reasonCode('connack', 'server', 5) : fc.integer({ min: 0, max: 5 }),
    properties: propertiesOf('connack', 'server', version).map(withMethod),
  }).map((packet) => (packet.reasonCode === 0 ? packet : { ...packet, sessionPresent: false })) as fc.Arbitrary<Packet>;
}

function anyPacket(name: PacketName, version: ProtocolVersion, sender: Side): fc.Arbitrary<Packet> {
  switch (name) {
    case 'connect':
      return connect(version);
    case 'connack':
      return connack(version);
    case 'publish':
      return publish(version, sender);
    case 'subscribe':
      return subscribe(version);
    case 'suback':
    case 'unsuback':
      return coded(name, version);
    case 'unsubscribe':
      return record({
        type: fc.constant(name),
        packetId,
        properties: propertiesOf(name, sender, version),
        filters: fc.array(text, { minLength: 1, maxLength: 5 }),
      });
    case 'pingreq':
    case 'pingresp':
      return fc.constant({ type: name });
    case 'disconnect':
    case 'auth':
      return record({
        type: fc.constant(name),
        reasonCode: reasonCode(name, sender, version),
        properties: propertiesOf(name, sender, version),
      }).map((packet) =>
        name === 'auth' ? { ...packet, properties: { authenticationMethod: 'M', ...packet.properties } } : packet,
      ) as fc.Arbitrary<Packet>;
    default:
      return record({
        type: fc.constant(name),
        packetId,
        reasonCode: reasonCode(name, sender, version),
        properties: propertiesOf(name, sender, version),
      });
  }
}

function decode(version: ProtocolVersion, receiver: Side, bytes: Uint8Array): Packet {
  const reader = new FrameReader(PACKET_BYTES_MAXIMUM);
  reader.push(bytes);
  assert.equal(reader.next(), true);
  assert.equal(reader.end - reader.start, bytes.length);
  return decodePacket(version, receiver, reader.bytes, reader.start, reader.bodyStart, reader.end);
}

for (const row of PACKET_TYPES) {
  for (const version of VERSIONS) {
    for (const sender of SIDES) {
      const from = version === 5 ? row.from : row.fromBefore5;
      if (from !== 'both' && from !== sender) continue;
      test(`${row.title} from the ${sender} decodes to what was encoded, level ${version}`, () => {
        const receiver: Side = sender === 'client' ? 'server' : 'client';
        fc.assert(
          fc.property(anyPacket(row.name, version, sender), (packet) => {
            assert.deepEqual(decode(version, receiver, encodePacket(packet, version)), packet);
          }),
          { numRuns: 150 },
        );
      });
    }
  }
}

test('random bytes behind any first byte give a packet or an MqttError', () => {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.uint8Array({ maxLength: 60 }),
        fc.constantFrom(...VERSIONS),
        fc.constantFrom(...SIDES),
        (first, body, version, side) => {
          const bytes = Uint8Array.of(first, body.length, ...body);
          onlyMqttErrors(() => decodePacket(version, side, bytes, 0, 2, bytes.length));
        },
      ),
      { numRuns: 5000 },
    );
  } finally {
    Error.stackTraceLimit = limit;
  }
});

test('a random stream gives packets and then an MqttError or the end', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 30 }), { maxLength: 10 }), (chunks) => {
      const reader = new FrameReader(1000);
      onlyMqttErrors(() => {
        for (const chunk of chunks) {
          reader.push(chunk);
          // Every packet takes two bytes at least, so a reader that goes on for longer than this hangs.
          let steps = 0;
          while (reader.next()) assert.ok(++steps <= 300);
        }
      });
    }),
    { numRuns: 2000 },
  );
});

test('encodeWithin keeps to the Maximum Packet Size and to the meaning of the packet [MQTT-3.1.2-24]', () => {
  const names = [
    'connack',
    'puback',
    'pubrec',
    'pubrel',
    'pubcomp',
    'suback',
    'unsuback',
    'disconnect',
    'auth',
  ] as const;
  for (const name of names) {
    fc.assert(
      fc.property(anyPacket(name, 5, 'server'), fc.integer({ min: 1, max: 200 }), (packet, maximum) => {
        const bytes = encodeWithin(packet, 5, maximum);
        const whole = encodePacket(packet, 5);
        if (whole.length <= maximum) assert.deepEqual(bytes, whole);
        if (bytes === undefined) return;
        assert.ok(bytes.length <= maximum);
        const { properties, ...meaning } = packet as Extract<Packet, { properties: Properties }>;
        const { properties: kept, ...got } = decode(5, 'client', bytes) as Extract<Packet, { properties: Properties }>;
        assert.deepEqual(got, meaning);
        const { reasonString: _text, userProperties: _pairs, ...essential } = properties;
        assert.deepEqual({ ...kept, ...essential }, kept);
        if (kept.userProperties === undefined && properties.userProperties !== undefined) {
          assert.equal(kept.reasonString, undefined);
        }
      }),
      { numRuns: 200 },
    );
  }
});

function onlyMqttErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    assert.ok(error.reasonCode >= 0x80);
    assert.ok(error.message.length <= 300);
  }
}
