import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProperties } from '@dunlin/protocol';
import { resolveLimits } from './limits.ts';
import { forwardedProperties, Message } from './message.ts';
import { createMetrics } from './metrics.ts';
import { TopicTable } from './topics.ts';

const topic = new TopicTable(resolveLimits(), true, createMetrics()).named('a/b');

test('owns its payload after own(), so that the read chunk may be used again', () => {
  const chunk = Buffer.from('..hello..');
  const message = new Message(topic, 1, false, 'p', chunk, 2, 7, Buffer.alloc(0), undefined);
  message.frameVersion = 5;
  const held = message.heldBytes;
  assert.equal(message.own(), message);
  chunk.fill('x');
  assert.deepEqual(
    [message.payload.toString(), message.payloadLength, message.heldBytes, message.frameVersion],
    ['hello', 5, held, 0],
  );
  const { bytes } = message;
  message.own();
  assert.equal(message.bytes, bytes);
});

test('expires when its time has come, and never without one', () => {
  const message = Message.of(topic, Buffer.from('x'), { properties: { messageExpiryInterval: 3 }, nowMs: 1_000 });
  assert.deepEqual([message.isExpired(3_999), message.isExpired(4_000)], [false, true]);
  assert.equal(Message.of(topic, Buffer.from('x')).isExpired(Number.MAX_SAFE_INTEGER), false);
});

test('forwards every property of a message but expiry, alias, identifiers and will delay', () => {
  const kept = {
    payloadFormatIndicator: 1,
    contentType: 'c',
    responseTopic: 'r',
    userProperties: [['k', 'v']],
  } as const;
  const encoded = forwardedProperties({
    ...kept,
    messageExpiryInterval: 1,
    topicAlias: 2,
    subscriptionIdentifiers: [3],
    willDelayInterval: 4,
  });
  assert.deepEqual(readProperties(encoded, 0, encoded.length, 'publish', 'server'), kept);
  assert.equal(forwardedProperties({ topicAlias: 1 }).length, 0);
});

test('forwards properties of more than 127 bytes whole', () => {
  const encoded = forwardedProperties({ contentType: 'x'.repeat(20_000) });
  assert.equal(readProperties(encoded, 0, encoded.length, 'publish', 'server').contentType?.length, 20_000);
});
