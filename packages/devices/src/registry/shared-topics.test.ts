import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAMERA, deviceType, PLAYER } from '../testing/types.ts';
import { sharedTopics } from './shared-topics.ts';

test('a topic that several devices have is told of, with what to write', () => {
  assert.deepEqual(sharedTopics(CAMERA), [
    'devices.types.camera.commands.wake.topic is "things/{attr.thing}/message": devices with the same thing hear the commands ' +
      'of each other; uniqueAttributes: [thing] of the type, or {deviceId} in the topic, is expected',
  ]);
  const { wake } = CAMERA.commands;
  const acknowledgement = { topic: 'done/{attr.space}/{attr.thing}', id: '/id', failure: undefined };
  const told = sharedTopics(
    deviceType({
      name: 'x',
      presence: { topic: 'presence/{attr.space}' },
      commands: { wake: { ...wake, topic: 'c/{deviceId}', acknowledgement } },
    }),
  );
  assert.deepEqual(
    told.map((sentence) => sentence.split(' is ')[0]),
    ['devices.types.x.presence.topic', 'devices.types.x.commands.wake.acknowledgement.topic'],
  );
  assert.match(told[1], /the same space and thing can answer/);
});

test('nothing is told where the id or a unique attribute is in the topic', () => {
  assert.deepEqual(sharedTopics({ ...CAMERA, uniqueAttributes: ['thing'] }), []);
  assert.deepEqual(sharedTopics(PLAYER), []);
  const topic = 'things/{attr.thing}/{deviceId}';
  assert.deepEqual(sharedTopics({ ...CAMERA, commands: { wake: { ...CAMERA.commands.wake, topic } } }), []);
});

test('a topic that is not well formed is no matter here', () => {
  for (const topic of ['a/#', '{', '{{attr.thing}}', '{attr.thing', '', '{unknown}'])
    assert.deepEqual(sharedTopics({ ...CAMERA, presence: { topic }, commands: {} }), [], topic);
});
