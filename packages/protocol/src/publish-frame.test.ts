import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket } from './encode.ts';
import { MqttError } from './errors.ts';
import type { Properties, PublishPacket } from './packets.ts';
import { PublishFrame } from './publish-frame.ts';

function packet(fields: Partial<PublishPacket>): PublishPacket {
  return {
    type: 'publish',
    dup: false,
    qos: 0,
    retain: false,
    topic: 't',
    packetId: 0,
    properties: {},
    payload: new Uint8Array(0),
    ...fields,
  };
}

/** Reads the packet 7 bytes into a larger buffer. */
function read(frame: PublishFrame, fields: Partial<PublishPacket>): Uint8Array {
  const encoded = encodePacket(packet(fields), 5);
  const bytes = new Uint8Array(encoded.length + 20).fill(0xff);
  bytes.set(encoded, 7);
  frame.read(5, bytes, 7, 9, 7 + encoded.length);
  return bytes;
}

test('tells where everything stands', () => {
  const frame = new PublishFrame();
  const properties: Properties = { messageExpiryInterval: 0x01020304, topicAlias: 5, contentType: 'c' };
  const payload = Uint8Array.of(1, 2);
  const bytes = read(frame, { topic: 'a/b', qos: 1, retain: true, dup: true, packetId: 9, properties, payload });
  assert.deepEqual([frame.dup, frame.qos, frame.retain, frame.packetId], [true, 1, true, 9]);
  assert.equal(Buffer.from(bytes.subarray(frame.topicStart, frame.topicEnd)).toString(), 'a/b');
  assert.equal(frame.topic(), 'a/b');
  assert.equal(frame.propertiesEnd - frame.propertiesStart, 5 + 3 + 4);
  assert.deepEqual(bytes.subarray(frame.payloadStart, frame.end), payload);
  assert.deepEqual(bytes.subarray(frame.topicAliasStart, frame.topicAliasStart + 3), Uint8Array.of(0x23, 0, 5));
  assert.deepEqual(bytes.subarray(frame.messageExpiryStart, frame.messageExpiryStart + 4), Uint8Array.of(1, 2, 3, 4));
  assert.equal(frame.topicAlias, 5);
  assert.equal(frame.hasProperties, true);
  assert.deepEqual(frame.properties(), properties);
});

test('keeps nothing of the packet read before', () => {
  const frame = new PublishFrame();
  const properties: Properties = { messageExpiryInterval: 1, topicAlias: 5, userProperties: [['a', 'b']] };
  read(frame, { qos: 2, packetId: 3, retain: true, properties });
  read(frame, {});
  assert.deepEqual([frame.qos, frame.packetId, frame.retain, frame.topicAlias], [0, 0, false, 0]);
  assert.deepEqual([frame.topicAliasStart, frame.messageExpiryStart, frame.hasProperties], [-1, -1, false]);
  assert.deepEqual(frame.properties(), {});
});

test('counts a Topic Alias alone as no property worth keeping', () => {
  const frame = new PublishFrame();
  read(frame, { topic: '', properties: { topicAlias: 1 } });
  assert.equal(frame.hasProperties, false);
  assert.equal(frame.topic(), '');
  assert.deepEqual(frame.properties(), { topicAlias: 1 });
});

test('refuses a Subscription Identifier as a server and reads it as a client [MQTT-3.3.4-6]', () => {
  const properties: Properties = { subscriptionIdentifiers: [1, 2] };
  assert.throws(
    () => read(new PublishFrame(), { properties }),
    (error) => error instanceof MqttError && error.reasonCode === 0x82,
  );
  const frame = new PublishFrame('client');
  read(frame, { properties });
  assert.deepEqual(frame.properties(), properties);
});

test('leaves the characters of the topic to topic() and checkTopicName', () => {
  const bytes = Uint8Array.of(0x30, 4, 0, 1, 0xff, 0);
  const frame = new PublishFrame();
  frame.read(5, bytes, 0, 2, 6);
  assert.throws(() => frame.topic(), MqttError);
});

test('applies the text rules it was made with to topic and properties (1.5.4)', () => {
  const fields = { topic: 'a\u0001', properties: { contentType: 'b\u0001' } };
  assert.throws(() => read(new PublishFrame(), fields), MqttError);
  const frame = new PublishFrame('server', { strictText: false });
  read(frame, fields);
  assert.equal(frame.topic(), 'a\u0001');
  assert.deepEqual(frame.properties(), fields.properties);
});
