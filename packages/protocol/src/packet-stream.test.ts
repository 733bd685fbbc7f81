import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PacketStream } from './packet-stream.ts';
import { varintSize, writeVarint } from './varint.ts';

const LIMIT = 268_435_460;

/** A packet with `length` bytes of body, each `fill`. */
function packet(length: number, fill = 0x55): Uint8Array {
  const bytes = new Uint8Array(1 + varintSize(length) + length).fill(fill);
  bytes[0] = 0x30;
  writeVarint(bytes, 1, length);
  return bytes;
}

function drain(stream: PacketStream): Buffer[] {
  const packets: Buffer[] = [];
  while (stream.next()) packets.push(Buffer.from(stream.bytes.slice(stream.start, stream.end)));
  return packets;
}

test('hands out a packet that lies in the chunk as a view of it', () => {
  const stream = new PacketStream(LIMIT);
  const chunk = Buffer.concat([packet(3), packet(0), packet(200)]);
  stream.push(chunk);
  const places: number[][] = [];
  while (stream.next()) {
    assert.equal(stream.bytes, chunk);
    places.push([stream.start, stream.bodyStart, stream.end]);
  }
  assert.deepEqual(places, [
    [0, 2, 5],
    [5, 7, 7],
    [7, 10, 210],
  ]);
});

test('gives the same packets however the bytes are cut, into chunks that are used again [MQTT-4.2-1]', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 300 }), fc.constantFrom(16_383, 16_384)), { maxLength: 8 });
  const cuts = fc.infiniteStream(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 9000 })));
  fc.assert(
    fc.property(sizes, cuts, fc.boolean(), (lengths, pieces, isHeld) => {
      const sent = lengths.map((length, index) => Buffer.from(packet(length, index + 1)));
      const whole = Buffer.concat(sent);
      const stream = new PacketStream(LIMIT);
      const chunk = Buffer.alloc(9000);
      const came: Buffer[] = [];
      for (let at = 0; at < whole.length; ) {
        const size = pieces.next().value;
        const length = whole.copy(chunk, 0, at, at + size);
        at += length;
        stream.push(chunk.subarray(0, length));
        if (isHeld && stream.next()) {
          came.push(Buffer.from(stream.bytes.slice(stream.start, stream.end)));
          stream.hold();
        } else if (!isHeld) came.push(...drain(stream));
        chunk.fill(0);
      }
      assert.deepEqual([...came, ...drain(stream)], sent);
    }),
    { numRuns: 300 },
  );
});

test('does not write to a packet that it has handed out', () => {
  const stream = new PacketStream(LIMIT);
  const bytes = Buffer.concat([packet(10, 1), packet(10, 2), packet(10, 3)]);
  const kept: Uint8Array[] = [];
  for (const byte of bytes) {
    stream.push(Uint8Array.of(byte));
    while (stream.next()) kept.push(stream.bytes.subarray(stream.start, stream.end));
  }
  assert.deepEqual(Buffer.concat(kept), bytes);
});

test('holds memory for the bytes that came, whatever a packet claims, and none when all are read', () => {
  const stream = new PacketStream(LIMIT);
  const claimed = packet(100_000);
  for (let at = 0; at < 10_000; at += 100) {
    stream.push(claimed.subarray(at, at + 100));
    assert.equal(stream.next(), false);
    assert.ok(stream.bytes.length <= 2 * (at + 200));
  }
  stream.push(claimed.subarray(10_000));
  assert.equal(drain(stream).length, 1);
  assert.equal(stream.bytes.length, 0);
});

test('refuses a packet above its maximum as soon as its length is known [MQTT-3.1.2-24]', () => {
  const stream = new PacketStream(100);
  stream.push(packet(98));
  assert.equal(drain(stream).length, 1);
  stream.push(packet(99).subarray(0, 2));
  assert.throws(() => stream.next(), { code: 'packet-too-large', reasonCode: 0x95 });
});

test('refuses a Remaining Length of five bytes or with padding [MQTT-1.5.5-1]', () => {
  for (const bytes of [
    [0x30, 0x80, 0x80, 0x80, 0x80],
    [0x30, 0x80, 0x00],
    [0x30, 0xff, 0x80, 0x00],
  ]) {
    const stream = new PacketStream(LIMIT);
    for (const byte of bytes.slice(0, -1)) {
      stream.push(Uint8Array.of(byte));
      assert.equal(stream.next(), false);
    }
    stream.push(Uint8Array.of(bytes.at(-1) as number));
    assert.throws(() => stream.next(), { code: 'malformed-packet' });
  }
});
