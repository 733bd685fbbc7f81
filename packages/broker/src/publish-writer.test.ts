import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodePacket,
  type Properties,
  type ProtocolVersion,
  PublishFrame,
  type PublishPacket,
  type QoS,
} from '@dunlin/protocol';
import type { Wire } from '@dunlin/transport';
import fc from 'fast-check';
import { resolveLimits } from './limits.ts';
import { forwardedProperties, Message } from './message.ts';
import { createMetrics } from './metrics.ts';
import { BufferPool, Outbox } from './outbox.ts';
import { PublishWriter, publishLength } from './publish-writer.ts';
import { TopicTable } from './topics.ts';

const topics = new TopicTable(resolveLimits(), true, createMetrics());

/** An outbox whose wire takes everything, and what it has taken. */
function open(pool: BufferPool): { outbox: Outbox; sent: () => Buffer } {
  const taken: Buffer[] = [];
  const wire: Wire = {
    peer: { address: 'fake', port: 0 },
    pendingBytes: 0,
    open: () => undefined,
    write: (bytes) => taken.push(Buffer.from(bytes)) > 0,
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
    destroy: () => undefined,
  };
  return { outbox: new Outbox(wire, pool), sent: () => Buffer.concat(taken.splice(0)) };
}

interface Delivery {
  readonly version: ProtocolVersion;
  readonly packetId: number;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly identifiers: number[];
  /** As `write` takes it. */
  readonly alias: number;
}

const delivery: fc.Arbitrary<Delivery> = fc
  .record({
    version: fc.constantFrom<ProtocolVersion[]>(3, 4, 5),
    packetId: fc.integer({ min: 1, max: 65_535 }),
    qos: fc.constantFrom<QoS[]>(0, 1, 2),
    retain: fc.boolean(),
    dup: fc.boolean(),
    identifiers: fc.array(fc.integer({ min: 1, max: 268_435_455 }), { maxLength: 2 }),
    alias: fc.integer({ min: -3, max: 3 }),
  })
  .map((one) => ({
    ...one,
    packetId: one.qos === 0 ? 0 : one.packetId,
    dup: one.qos > 0 && one.dup,
    identifiers: one.version === 5 ? one.identifiers : [],
    alias: one.version === 5 ? one.alias : 0,
  }));

const properties: fc.Arbitrary<Properties> = fc.record(
  {
    payloadFormatIndicator: fc.constantFrom(0 as const, 1 as const),
    contentType: fc.constantFrom('text/plain', 'x'.repeat(200)),
    responseTopic: fc.constant('answers'),
    correlationData: fc.uint8Array({ maxLength: 30 }),
    userProperties: fc.array(fc.tuple(fc.constantFrom('k', 'l'), fc.constantFrom('', 'v')), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { requiredKeys: [] },
);

/** What the codec makes of the same delivery. */
function expected(message: Message, original: Properties, one: Delivery, remaining: number): Buffer {
  const packet: PublishPacket = {
    type: 'publish',
    topic: one.alias > 0 ? '' : message.topic.name,
    qos: one.qos,
    retain: one.retain,
    dup: one.dup,
    packetId: one.packetId,
    payload: message.payload,
    properties: {
      ...original,
      ...(remaining > 0 ? { messageExpiryInterval: remaining } : {}),
      ...(one.alias === 0 ? {} : { topicAlias: Math.abs(one.alias) }),
      ...(one.identifiers.length > 0 ? { subscriptionIdentifiers: one.identifiers } : {}),
    },
  };
  return Buffer.from(encodePacket(packet, one.version));
}

/** Compares packets by what they say: the order of properties is free, so they are read back. */
function assertSame(actual: Buffer, wanted: Buffer, version: ProtocolVersion): void {
  assert.equal(actual.length, wanted.length);
  const read = (bytes: Buffer) => {
    const frame = new PublishFrame('client');
    let bodyStart = 1;
    while (bytes[bodyStart] & 0x80) bodyStart += 1;
    frame.read(version, bytes, 0, bodyStart + 1, bytes.length);
    return {
      first: bytes[0],
      topic: bytes.subarray(frame.topicStart, frame.topicEnd).toString(),
      id: frame.packetId,
      properties: frame.properties(),
      payload: bytes.subarray(frame.payloadStart).toString('hex'),
    };
  };
  assert.deepEqual(read(actual), read(wanted));
}

test('writes in every form what the codec writes, however often and mixed the forms are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ outbox: fc.nat(2), one: delivery }), { minLength: 1, maxLength: 12 }),
      properties,
      fc.oneof(fc.nat(40), fc.constantFrom(127, 128, 1_000, 16_383, 16_384, 40_000)),
      fc.constantFrom(0, 1, 4_000_000_000),
      fc.constantFrom('t', 'a/long/topic/name/that/has/levels', 'ä/€'),
      (deliveries, original, size, remaining, topic) => {
        const pool = new BufferPool(createMetrics());
        const writer = new PublishWriter(pool);
        const outboxes = [open(pool), open(pool), open(pool)];
        const message = new Message(
          topics.named(topic),
          2,
          false,
          'p',
          Buffer.alloc(size + 5, 'p'),
          5,
          size + 5,
          forwardedProperties(original),
          undefined,
        );
        message.owned = size % 2 === 0;
        const wanted: Buffer[][] = [[], [], []];
        for (const { outbox, one } of deliveries) {
          const header = 0x30 | (one.dup ? 8 : 0) | (one.qos << 1) | (one.retain ? 1 : 0);
          const seconds = one.version === 5 ? remaining : 0;
          writer.write(
            outboxes[outbox].outbox,
            message,
            one.version,
            header,
            one.packetId,
            one.identifiers,
            one.alias,
            seconds,
          );
          const bytes = expected(message, original, one, seconds);
          assert.equal(
            publishLength(message, one.version, one.packetId, one.identifiers, one.alias, seconds),
            bytes.length,
          );
          wanted[outbox].push(bytes);
        }
        for (const [i, { outbox, sent }] of outboxes.entries()) {
          outbox.flush();
          const actual = sent();
          assert.equal(actual.length, Buffer.concat(wanted[i]).length);
          let at = 0;
          for (const [k, bytes] of wanted[i].entries()) {
            const { version } = deliveries.filter((other) => other.outbox === i)[k].one;
            assertSame(actual.subarray(at, at + bytes.length), bytes, version);
            at += bytes.length;
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});

test('writes the frame that came in where it already has the form that goes out, with RETAIN set as it must be', () => {
  const pool = new BufferPool(createMetrics());
  const { outbox, sent } = open(pool);
  for (const version of [4, 5] as const) {
    const packet: PublishPacket = {
      type: 'publish',
      topic: 't',
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: {},
      payload: Buffer.from('hello'),
    };
    const frame = Buffer.concat([Buffer.from('..'), encodePacket(packet, version)]);
    const message = new Message(
      topics.named('t'),
      0,
      false,
      'p',
      frame,
      frame.length - 5,
      frame.length,
      Buffer.alloc(0),
      undefined,
    );
    message.frameVersion = version === 5 ? 5 : 3;
    message.frameStart = 2;
    message.frameEnd = frame.length;
    for (const to of [3, 4, 5] as const) {
      for (const retain of [false, true]) {
        new PublishWriter(pool).write(outbox, message, to, 0x30 | (retain ? 1 : 0), 0, [], 0, 0);
        outbox.flush();
        assert.deepEqual(sent(), Buffer.from(encodePacket({ ...packet, retain }, to)));
      }
    }
  }
});

test('copies no large payload that owns its memory', () => {
  const pool = new BufferPool(createMetrics());
  const writes: Buffer[] = [];
  const { outbox } = open(pool);
  const payload = Buffer.alloc(20_000, 'x');
  outbox.reference = (bytes: Buffer) => writes.push(bytes);
  new PublishWriter(pool).write(outbox, Message.of(topics.named('t'), payload), 4, 0x30, 0, [], 0, 0);
  assert.equal(writes[0].buffer, payload.buffer);
  assert.equal(writes[0].byteOffset, payload.byteOffset);
});

test('keeps no message alive after the turn', () => {
  const pool = new BufferPool(createMetrics());
  const { outbox, sent } = open(pool);
  const writer = new PublishWriter(pool);
  const message = Message.of(topics.named('t'), Buffer.from('a'));
  writer.write(outbox, message, 4, 0x30, 0, [], 0, 0);
  writer.forget();
  message.bytes = Buffer.from('b');
  writer.write(outbox, message, 4, 0x30, 0, [], 0, 0);
  outbox.flush();
  // Made anew: nothing was remembered of the first.
  assert.equal(sent().toString('latin1'), '0\u0004\u0000\u0001ta0\u0004\u0000\u0001tb');
});
