import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties } from '@dunlin/protocol';
import type { PublishRequest } from './link.ts';
import { fakeLink } from './testing/fake-link.ts';

const message = (topic: string, properties: Properties = {}): PublishRequest => ({
  topic,
  payload: new Uint8Array(0),
  qos: 0,
  retain: false,
  properties,
});

test('a topic that repeats is sent once and then by its alias', () => {
  const { link, sent } = fakeLink({ topicAliasMaximum: 1 });
  for (const topic of ['room/1', 'room/1', 'room/2', 'a', 'a']) link.publish(message(topic), 0, false);
  const seen = sent.map((packet) => packet.type === 'publish' && [packet.topic, packet.properties.topicAlias]);
  assert.deepEqual(seen, [
    ['room/1', 1],
    ['', 1],
    ['room/2', undefined],
    ['a', undefined],
    ['a', undefined],
  ]);
});

test('other properties stay beside an alias', () => {
  const { link, sent } = fakeLink({ topicAliasMaximum: 1 });
  link.publish(message('room/1', { contentType: 'x' }), 0, false);
  assert.deepEqual(sent[0].type === 'publish' && sent[0].properties, { contentType: 'x', topicAlias: 1 });
});

test('the application may set aliases, and use one alone once it stands for something', () => {
  const { link, sent } = fakeLink({ topicAliasMaximum: 5 });
  assert.throws(() => link.publish(message('', { topicAlias: 5 }), 0, false), { code: 'invalid' });
  link.publish(message('room/1', { topicAlias: 5 }), 0, false);
  link.publish(message('', { topicAlias: 5 }), 0, false);
  assert.equal(link.topicOf(message('', { topicAlias: 5 })), 'room/1');
  assert.equal(sent.length, 2);
});

test('an alias whose packet could not be sent is given again with its topic', () => {
  const { link, sent, wire } = fakeLink({ topicAliasMaximum: 1 });
  const { send } = wire;
  wire.send = () => {
    throw new Error('too large');
  };
  assert.throws(() => link.publish(message('room/1'), 0, false), /too large/);
  wire.send = send;
  link.publish(message('room/2'), 0, false);
  assert.deepEqual(sent[0].type === 'publish' && sent[0].topic, 'room/2');
});
