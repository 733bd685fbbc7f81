import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodePacket } from './decode.ts';
import { encodePacket } from './encode.ts';
import { MqttError } from './errors.ts';
import { PACKET_TYPES, type Side } from './packet-types.ts';
import type { Packet, ProtocolVersion, PublishPacket } from './packets.ts';

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

function decode(hex: string, version: ProtocolVersion = 5, receiver: Side = 'server', strictText?: boolean): Packet {
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decodePacket(version, receiver, bytes, 0, 2, bytes.length, { strictText });
}

function reasonCodeOf(action: () => unknown): number | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof MqttError) return error.reasonCode;
    throw error;
  }
  return undefined;
}

test('decoded payloads are views of the bytes', () => {
  const bytes = encodePacket({ ...PUBLISH, payload: Uint8Array.of(1, 2, 3) }, 5);
  const packet = decodePacket(5, 'server', bytes, 0, 2, bytes.length);
  assert.ok(packet.type === 'publish');
  bytes.fill(9);
  assert.deepEqual(packet.payload, Uint8Array.of(9, 9, 9));
});

test('refuses every wrong value of the header flags [MQTT-2.1.3-1]', () => {
  for (const row of PACKET_TYPES) {
    for (let flags = 0; flags < 16; flags++) {
      if (row.flags === undefined || row.flags === flags) continue;
      const receiver = row.from === 'server' ? 'client' : 'server';
      const bytes = Uint8Array.of((row.number << 4) | flags, 2, 0, 1);
      assert.equal(
        reasonCodeOf(() => decodePacket(5, receiver, bytes, 0, 2, 4)),
        0x81,
        `${row.title} ${flags}`,
      );
    }
  }
});

test('refuses what only the other side may send, whatever it holds', () => {
  for (const row of PACKET_TYPES) {
    if (row.from === 'both') continue;
    const bytes = Uint8Array.of((row.number << 4) | (row.flags ?? 0), 0);
    assert.equal(
      reasonCodeOf(() => decodePacket(5, row.from as Side, bytes, 0, 2, 2)),
      0x82,
      row.title,
    );
  }
});

test('reads short forms of acknowledgements as code 0 without properties (3.4.2.1)', () => {
  const expected = { type: 'puback', packetId: 1, reasonCode: 0, properties: {} };
  for (const hex of ['4002 0001', '4003 0001 00', '4004 0001 00 00']) assert.deepEqual(decode(hex), expected);
});

test('leaves the syntax of Topic Filters to the answer for each [MQTT-4.7.1-1]', () => {
  const packet = decode('8206 0001 0001 23 00', 4);
  assert.equal(packet.type, 'subscribe');
  assert.equal(
    reasonCodeOf(() => decode('8209 0001 0004 612f2361 00', 4)),
    undefined,
  );
});

test('admits control characters in topics and filters when told to (1.5.4)', () => {
  assert.equal(
    reasonCodeOf(() => decode('3004 0001 01 00')),
    0x81,
  );
  assert.equal(decode('3004 0001 01 00', 5, 'server', false).type, 'publish');
  assert.equal(
    reasonCodeOf(() => decode('8207 0001 00 0001 01 00')),
    0x81,
  );
  assert.equal(decode('8207 0001 00 0001 01 00', 5, 'server', false).type, 'subscribe');
});

test('tells a 5.0 client that the server answers in the form of 3.1.1', () => {
  assert.throws(
    () => decode('2002 0001', 5, 'client'),
    (error) => error instanceof MqttError && error.code === 'unsupported-protocol-version',
  );
});

test('names the packet, the fault and the statement in its errors', () => {
  assert.throws(() => decode('8203 0001 00'), {
    name: 'MqttError',
    code: 'protocol-error',
    message: 'Cannot read SUBSCRIBE: it has no Topic Filter [MQTT-3.8.3-2]',
  });
});

test('at level 3 admits DUP on PUBREL, SUBSCRIBE and UNSUBSCRIBE and no other flag', () => {
  for (let flags = 0; flags < 16; flags++) {
    const expected = flags === 2 || flags === 10 ? undefined : 0x81;
    const bodies: readonly [number, readonly number[]][] = [
      [6, [0, 1]],
      [8, [0, 1, 0, 1, 0x61, 0]],
      [10, [0, 1, 0, 1, 0x61]],
    ];
    for (const [type, body] of bodies) {
      const bytes = Uint8Array.of((type << 4) | flags, body.length, ...body);
      assert.equal(
        reasonCodeOf(() => decodePacket(3, 'server', bytes, 0, 2, bytes.length)),
        expected,
        `type ${type}, flags ${flags}`,
      );
    }
  }
});
