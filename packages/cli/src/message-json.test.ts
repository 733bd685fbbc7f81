import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from '@dunlin/client';
import type { PublishPacket } from '@dunlin/protocol';
import { messageJson, PayloadNotJson } from './message-json.ts';

const moment = { epochMs: 1_600_000_000_123, nanoseconds: 123_456_000 };

function json(fields: Partial<PublishPacket>, parsePayload: boolean, pretty = false): string {
  const packet: PublishPacket = {
    type: 'publish',
    dup: false,
    qos: 0,
    retain: false,
    topic: 'a',
    packetId: 0,
    properties: {},
    payload: new Uint8Array(0),
    ...fields,
  };
  return messageJson(new ReceivedMessage(packet, 'a'), moment, { parsePayload, pretty });
}

const withoutTime = (text: string): string => text.replace(/"tst":"[^"]*",/, '');

test('a message at QoS 0 has no identifier and no empty properties', () => {
  assert.equal(
    withoutTime(json({ payload: Buffer.from('x"\n') }, false)),
    '{"topic":"a","qos":0,"retain":0,"payloadlen":3,"payload":"x\\"\\n"}',
  );
  assert.match(json({}, false), /"tst":"2020-09-1\dT\d\d:26:40\.123456[+-]\d{4}"/);
});

test('properties stand under their names', () => {
  const properties = {
    userProperties: [['k', 'v']] as const,
    contentType: 'c',
    correlationData: Buffer.from('d'),
    payloadFormatIndicator: 1 as const,
    responseTopic: 'r',
    messageExpiryInterval: 5,
    topicAlias: 1,
    subscriptionIdentifiers: [1, 2],
  };
  const found = JSON.parse(json({ qos: 2, packetId: 9, retain: true, properties }, false));
  delete found.tst;
  assert.deepEqual(found, {
    topic: 'a',
    qos: 2,
    retain: 1,
    payloadlen: 0,
    mid: 9,
    properties: {
      'user-properties': { k: 'v' },
      'content-type': 'c',
      'correlation-data': 'd',
      'payload-format-indicator': 1,
      'response-topic': 'r',
      'message-expiry-interval': 5,
      'topic-alias': 1,
      'subscription-identifier': [1, 2],
    },
    payload: null,
  });
});

test('a JSON payload stands as it is, in one line, with its numbers in full', () => {
  const payload = Buffer.from('{ "n": 12345678901234567890,\n "x": [1.50, -0, 1e400], "s": "a b", "__proto__": 1 }');
  const expected = '{"n":12345678901234567890,"x":[1.50,-0,1e400],"s":"a b","__proto__":1}';
  assert.ok(json({ payload }, true).endsWith(`"payload":${expected}}`));
  assert.ok(json({}, true).endsWith('"payload":null}'));
});

test('a payload that is no JSON is told by its topic', () => {
  assert.throws(() => json({ payload: Buffer.from('{') }, true), PayloadNotJson);
});

test('one Subscription Identifier is a number, as mosquitto_sub prints it', () => {
  const found = JSON.parse(json({ properties: { subscriptionIdentifiers: [3] } }, false));
  assert.deepEqual(found.properties, { 'subscription-identifier': 3 });
});
