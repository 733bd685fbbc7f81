import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishPacket } from '@dunlin/protocol';
import { MqttError } from './errors.ts';
import { ReceivedMessage } from './received-message.ts';

const packet = (payload: Uint8Array, properties = {}): PublishPacket => ({
  type: 'publish',
  dup: false,
  qos: 1,
  retain: true,
  topic: '',
  packetId: 5,
  properties,
  payload,
});

test('a message owns its bytes, also where the packet is a view of a Buffer', () => {
  const chunk = Buffer.from('payloadcorr');
  const properties = { correlationData: chunk.subarray(7) };
  const message = new ReceivedMessage(packet(chunk.subarray(0, 7), properties), 'a/b');
  chunk.fill(0);
  assert.equal(message.text(), 'payload');
  assert.equal(new TextDecoder().decode(message.properties.correlationData), 'corr');
  assert.deepEqual([message.topic, message.qos, message.retain, message.packetId], ['a/b', 1, true, 5]);
});

test('the payload reads as text and JSON', () => {
  assert.deepEqual(new ReceivedMessage(packet(Buffer.from('{"a":[1]}')), 't').json(), { a: [1] });
  assert.equal(new ReceivedMessage(packet(Buffer.of(0xef, 0xbb, 0xbf, 0x61, 0xff)), 't').text(), '\ufeffa\ufffd');
  assert.throws(
    () => new ReceivedMessage(packet(Buffer.from('secret')), 't').json(),
    (error) => {
      assert.ok(error instanceof MqttError);
      assert.deepEqual([error.code, error.message], ['invalid', 'Cannot read the message on "t": expected JSON']);
      return error.cause instanceof SyntaxError;
    },
  );
});
