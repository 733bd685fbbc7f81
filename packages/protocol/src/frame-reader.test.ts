import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { FrameReader } from './frame-reader.ts';
import { varintSize, writeVarint } from './varint.ts';

const LIMIT = 268_435_460;

/** A packet of type 3 with `length` bytes of body, each `fill`. */
function packet(length: number, fill = 0x55): Uint8Array {
  const bytes = new Uint8Array(1 + varintSize(length) + length).fill(fill);
  bytes[0] = 0x30;
  writeVarint(bytes, 1, length);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function current(reader: FrameReader): Uint8Array {
  return reader.bytes.slice(reader.start, reader.end);
}

function drain(reader: FrameReader): Uint8Array[] {
  const packets: Uint8Array[] = [];
  while (reader.next()) packets.push(current(reader));
  return packets;
}

function refuses(action: () => unknown, code: string, reasonCode: number): void {
  assert.throws(
    action,
    (error) => error instanceof MqttError && error.code === code && error.reasonCode === reasonCode,
  );
}

test('hands out a packet that lies in the chunk as a view of it', () => {
  const reader = new FrameReader(LIMIT);
  const chunk = concat(packet(3), packet(0), packet(200));
  reader.push(chunk);
  assert.equal(reader.next(), true);
  assert.equal(reader.bytes, chunk);
  assert.deepEqual([reader.start, reader.bodyStart, reader.end, reader.owned], [0, 2, 5, false]);
  assert.equal(reader.next(), true);
  assert.deepEqual([reader.start, reader.bodyStart, reader.end], [5, 7, 7]);
  assert.equal(reader.next(), true);
  assert.deepEqual([reader.start, reader.bodyStart, reader.end], [7, 10, 210]);
  assert.equal(reader.next(), false);
});

test('holds no memory and no reference to a chunk when no packet is half read', () => {
  const reader = new FrameReader(LIMIT);
  assert.equal(reader.heldBytes, 0);
  reader.push(concat(packet(3), packet(9000)));
  assert.equal(drain(reader).length, 2);
  assert.equal(reader.heldBytes, 0);
  assert.equal(reader.bytes.length, 0);
  reader.push(packet(9000).subarray(0, 10));
  assert.equal(reader.next(), false);
  assert.ok(reader.heldBytes > 0);
  reader.push(packet(9000).subarray(10));
  assert.equal(drain(reader).length, 1);
  assert.equal(reader.heldBytes, 0);
  assert.equal(reader.bytes.length, 0);
});

test('gathers a packet from pieces in memory that is never reused', () => {
  const reader = new FrameReader(LIMIT);
  const whole = packet(300, 7);
  const chunk = new Uint8Array(101);
  const kept: Uint8Array[] = [];
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < whole.length; at += 101) {
      const piece = whole.subarray(at, at + 101);
      chunk.set(piece);
      reader.push(chunk.subarray(0, piece.length));
      while (reader.next()) {
        assert.equal(reader.owned, true);
        kept.push(reader.bytes.subarray(reader.start, reader.end));
      }
      chunk.fill(0xee);
    }
  }
  assert.deepEqual(kept, [whole, whole, whole]);
});

test('finds every packet however the stream is cut and whenever it is held [MQTT-4.2-1]', () => {
  const lengths = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 100, max: 20_000 })), {
    minLength: 1,
    maxLength: 8,
  });
  const cuts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lengths, cuts, fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1 }), (sizes, steps, actions) => {
      const expected = sizes.map((size, index) => packet(size, index + 1));
      const stream = concat(...expected);
      const reader = new FrameReader(LIMIT);
      const found: Uint8Array[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = steps[turn % steps.length];
        const chunk = stream.slice(at, at + size);
        at += size;
        reader.push(chunk);
        // 0: read nothing now; 1: read one packet, hold, go on later; 2 and 3: read all.
        const action = actions[turn % actions.length];
        if (action === 1 && reader.next()) found.push(current(reader));
        if (action < 2) reader.hold();
        else found.push(...drain(reader));
        chunk.fill(0xee);
      }
      found.push(...drain(reader));
      assert.deepEqual(found, expected);
      assert.equal(reader.heldBytes, 0);
    }),
  );
});

test('reads on in order when bytes arrive before the earlier ones were read', () => {
  const reader = new FrameReader(LIMIT);
  const first = concat(packet(5, 1), packet(6, 2));
  reader.push(first);
  assert.equal(reader.next(), true);
  reader.push(packet(7, 3));
  reader.push(packet(8, 4));
  first.fill(0xee);
  assert.deepEqual(drain(reader), [packet(6, 2), packet(7, 3), packet(8, 4)]);
});

test('keeps what it handed out of held bytes as it is while more bytes are appended', () => {
  const reader = new FrameReader(LIMIT);
  reader.push(concat(packet(5, 1), packet(6, 2)));
  reader.hold();
  assert.equal(reader.next(), true);
  assert.equal(reader.owned, true);
  const view = reader.bytes.subarray(reader.start, reader.end);
  for (let fill = 3; fill < 40; fill++) reader.push(packet(fill, fill));
  assert.deepEqual(view, packet(5, 1));
  assert.equal(drain(reader).length, 38);
});

test('copies a Node Buffer on hold, whose slice would be a view', () => {
  const reader = new FrameReader(LIMIT);
  const chunk = Buffer.from(packet(5, 9));
  reader.push(chunk);
  reader.hold();
  chunk.fill(0xee);
  assert.deepEqual(drain(reader), [packet(5, 9)]);
});

test('has nothing to hold when everything was read', () => {
  const reader = new FrameReader(LIMIT);
  reader.push(packet(5));
  assert.equal(reader.next(), true);
  reader.hold();
  assert.equal(reader.heldBytes, 0);
  assert.equal(reader.next(), false);
});

test('refuses a packet above the Maximum Packet Size before its body arrives [MQTT-3.2.2-15]', () => {
  const reader = new FrameReader(50);
  reader.push(packet(48));
  assert.equal(reader.next(), true);
  assert.equal(reader.next(), false);
  reader.push(Uint8Array.of(0x30, 49));
  refuses(() => reader.next(), 'packet-too-large', 0x95);
});

test('counts the fixed header against the Maximum Packet Size', () => {
  for (const [limit, length] of [
    [203, 200],
    [16_388, 16_384],
  ]) {
    const reader = new FrameReader(limit);
    reader.push(packet(length));
    assert.equal(reader.next(), true);
    const strict = new FrameReader(limit - 1);
    strict.push(packet(length).subarray(0, 4));
    refuses(() => strict.next(), 'packet-too-large', 0x95);
  }
});

test('follows a Maximum Packet Size that changes', () => {
  const reader = new FrameReader(10);
  reader.maximumPacketSize = 1000;
  reader.push(packet(500));
  assert.equal(reader.next(), true);
});

test('refuses a Remaining Length of five bytes or in padded form, whole or in pieces [MQTT-1.5.5-1]', () => {
  for (const hex of ['30ffffffff7f', '308080808001', '3080808080', 'c08000', 'c0808000', 'c080808000']) {
    const bytes = Buffer.from(hex, 'hex');
    const whole = new FrameReader(LIMIT);
    whole.push(bytes);
    refuses(() => whole.next(), 'malformed-packet', 0x81);
    const pieces = new FrameReader(LIMIT);
    refuses(
      () => {
        for (const byte of bytes) {
          pieces.push(Uint8Array.of(byte));
          pieces.next();
        }
      },
      'malformed-packet',
      0x81,
    );
  }
});

test('allocates at most twice what it received plus 4 KiB, whatever length is claimed', () => {
  const reader = new FrameReader(LIMIT);
  reader.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
  let received = 5;
  assert.equal(reader.next(), false);
  assert.ok(reader.heldBytes <= 2 * received + 4096);
  for (const size of [1, 10, 4000, 100, 1, 1, 50_000, 3, 200_000]) {
    reader.push(new Uint8Array(size));
    received += size;
    assert.equal(reader.next(), false);
    assert.ok(reader.heldBytes >= received);
    assert.ok(reader.heldBytes <= 2 * received + 4096, `${reader.heldBytes} for ${received}`);
  }
});

test('copies a megabyte that arrives byte by byte a few times at most', () => {
  const reader = new FrameReader(LIMIT);
  const whole = packet(1_000_000);
  const byte = new Uint8Array(1);
  let memories = 0;
  let held = 0;
  let found = false;
  for (let at = 0; at < whole.length; at++) {
    byte[0] = whole[at];
    reader.push(byte);
    found = reader.next();
    if (reader.heldBytes > held) {
      held = reader.heldBytes;
      memories++;
    }
  }
  assert.equal(found, true);
  assert.deepEqual(current(reader), whole);
  assert.ok(memories <= 12, `${memories} allocations`);
});

test('gives a gathered packet memory of its own size, not more', () => {
  const reader = new FrameReader(LIMIT);
  const whole = packet(100_000);
  for (let at = 0; at < whole.length; at += 1000) {
    reader.push(whole.subarray(at, at + 1000));
    if (!reader.next()) continue;
    assert.equal(reader.bytes.length, whole.length);
    return;
  }
  assert.fail('the packet was not found');
});
