import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Chunk, type Values } from './chunks.ts';
import { DamagedValue } from './reader.ts';
import { entry, message, subscription } from './testing/writes.ts';
import {
  bodyOfEntry,
  decodeBucket,
  decodeDeadline,
  decodeEntry,
  decodeMessage,
  decodeReferences,
  decodeRetained,
  decodeRetainedSummary,
  decodeSession,
  decodeSubscription,
  decodeSummary,
  decodeWill,
  encodeBucket,
  encodeDeadline,
  encodeEntry,
  encodeMessage,
  encodeReferences,
  encodeRetained,
  encodeRetainedSummary,
  encodeSession,
  encodeSubscription,
  encodeSummary,
  encodeWill,
  TopicNames,
} from './values.ts';

/** Room that is exactly as large as was asked for: whoever writes more than that fails. */
const values: Values = { room: (bytes) => new Chunk(bytes) };

function bytesOf({ bytes, start, end }: Chunk): Buffer {
  assert.ok(end <= bytes.length, 'wrote more than it asked for');
  return bytes.subarray(start, end);
}

const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const will = { message: message('w'), delayInterval: 4_294_967_295, dueAtMs: 1e12 };

test('reads sessions, subscriptions, summaries and counts back', () => {
  fc.assert(
    fc.property(text, fc.nat(2 ** 31), fc.boolean(), (name, number, flag) => {
      const session = {
        number,
        clientId: name,
        username: flag ? undefined : name,
        identity: flag ? name : undefined,
        sessionExpiryInterval: 0xffffffff,
        expiresAtMs: flag ? Infinity : number * 1000,
        sentUpTo: number,
      };
      assert.deepEqual(decodeSession(number, bytesOf(encodeSession(values, session)), 0), session);
      const one = { ...subscription(name, number % 268_435_456), noLocal: flag };
      assert.deepEqual(decodeSubscription(bytesOf(encodeSubscription(values, one))), one);
      const summary = { messages: number, bytes: number * 1000, shares: 0, lastPosition: 2 ** 48 - 1 };
      assert.deepEqual(decodeSummary(bytesOf(encodeSummary(values, summary))), summary);
      assert.equal(decodeReferences(bytesOf(encodeReferences(values, number))), number);
    }),
  );
});

test('reads messages back, with every optional part or none', () => {
  const part = fc.record({
    topic: text,
    publisher: text,
    expiresAtMs: fc.option(fc.double({ noNaN: true, min: 0 }), { nil: undefined }),
    properties: fc.uint8Array({ maxLength: 200 }),
    payload: fc.uint8Array({ maxLength: 200 }),
    qos: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
  });
  fc.assert(
    fc.property(part, ({ topic, payload, ...rest }) => {
      const said = Object.assign(message(topic, payload), { ...rest, properties: Buffer.from(rest.properties) });
      const found = decodeMessage(bytesOf(encodeMessage(values, said)), new TopicNames());
      assert.deepEqual(
        [found.topic.name, found.publisher, found.expiresAtMs, found.qos, found.retain],
        [topic, said.publisher, said.expiresAtMs, said.qos, said.retain],
      );
      assert.deepEqual(Buffer.from(found.properties), Buffer.from(said.properties));
      assert.deepEqual(Buffer.from(found.payload), Buffer.from(payload));
      assert.equal(found.heldBytes, said.heldBytes);
    }),
  );
});

test('reads queue entries back, inline and by reference', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(268_435_455)),
      fc.option(text, { nil: undefined }),
      fc.nat(2 ** 31),
      (identifiers, share, body) => {
        const queued = { ...entry(1, message('a/b'), 2), identifiers, share };
        const value = bytesOf(encodeEntry(values, queued, body));
        const found = decodeEntry(value, new TopicNames());
        assert.deepEqual(
          [found.qos, found.retain, found.identifiers, found.share, found.bodyNumber, found.message?.topic.name],
          [2, false, identifiers, share, body, body === 0 ? 'a/b' : undefined],
        );
        assert.equal(bodyOfEntry(value), body);
      },
    ),
  );
});

test('reads wills and buckets back', () => {
  for (const messageExpiryInterval of [undefined, 0, 4_294_967_295])
    for (const owner of [undefined, '', 'ü'.repeat(300)]) {
      const record = { ...will, messageExpiryInterval, owner };
      const { message: said, ...rest } = decodeWill(bytesOf(encodeWill(values, record)));
      assert.deepEqual(rest, { delayInterval: 4_294_967_295, dueAtMs: 1e12, messageExpiryInterval, owner });
      assert.equal(said.topic.name, 'w');
    }
  const records = [Buffer.alloc(0), Buffer.alloc(300, 1)];
  assert.deepEqual(decodeBucket(bytesOf(encodeBucket(values, records))), records);
});

test('takes damaged values for damaged, whatever was done to them', () => {
  const decoders: [Buffer, (value: Buffer) => unknown][] = [
    [
      bytesOf(encodeEntry(values, { ...entry(1, message('a')), identifiers: [300], share: 's' }, 0)),
      (value) => decodeEntry(value, new TopicNames()),
    ],
    [bytesOf(encodeMessage(values, message('topic'))), (value) => decodeMessage(value, new TopicNames())],
    [bytesOf(encodeWill(values, { ...will, messageExpiryInterval: 1, owner: 'o' })), decodeWill],
    [bytesOf(encodeSubscription(values, subscription('a/b', 300))), decodeSubscription],
    [bytesOf(encodeSummary(values, { messages: 1, bytes: 1, shares: 1, lastPosition: 1 })), decodeSummary],
    [bytesOf(encodeBucket(values, [Buffer.alloc(5)])), decodeBucket],
  ];
  for (const [value, decode] of decoders) {
    for (let at = 0; at < value.length; at++) {
      const changed = Buffer.from(value);
      changed[at] ^= 0xff;
      // It may still say something, but it must not do anything else than say so or throw this.
      for (const one of [changed, value.subarray(0, at)]) {
        try {
          decode(one);
        } catch (error) {
          assert.ok(error instanceof DamagedValue, String(error));
        }
      }
    }
    assert.throws(() => decode(Buffer.of(9, ...value.subarray(1))), /it begins with version 9, expected is 1/);
    assert.throws(() => decode(Buffer.alloc(0)), DamagedValue);
  }
});

test('keeps retained messages, their deadlines and what there is of them as they were', () => {
  const number = fc.nat(Number.MAX_SAFE_INTEGER).map((any) => any % 2 ** 48);
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), number, number, number, (topic, messages, bytes, sequence) => {
      const said = message(topic, 'payload');
      const found = decodeRetained(bytesOf(encodeRetained(values, { message: said, sequence })));
      assert.deepEqual([found.message.topic.name, found.sequence], [topic, sequence]);
      // It stands as in a packet, whoever sends it.
      assert.deepEqual(Buffer.from(found.message.topic.encoded), Buffer.from(said.topic.encoded));
      assert.equal(decodeDeadline(bytesOf(encodeDeadline(values, Buffer.from(topic)))), topic);
      const summary = { messages, bytes, lastSequence: sequence };
      assert.deepEqual(decodeRetainedSummary(bytesOf(encodeRetainedSummary(values, summary))), summary);
    }),
  );
});
