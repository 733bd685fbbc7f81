import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeviceType } from '../device-type.ts';
import { CAMERA, deviceType, PLAYER } from '../testing/types.ts';
import { deniedTopics } from './denied-topics.ts';

const { wake } = CAMERA.commands;
const acknowledged = {
  ...wake,
  acknowledgement: { topic: 'done/{deviceId}/{commandId}', id: undefined, failure: undefined },
};
const withRules = (rules: DeviceType['rules'], more: Partial<DeviceType> = {}): string[] =>
  deniedTopics({ ...CAMERA, commands: { wake: acknowledged }, rules, ...more });

test('a command that devices of the type cannot hear or answer is told of, with the rule to write', () => {
  assert.deepEqual(withRules([]), [
    'devices.types.camera.commands.wake.topic is "things/{attr.thing}/message": the rules of the type do not let its devices subscribe ' +
      "there, so that they cannot hear the command; { allow: subscribe, topics: 'things/{attr.thing}/message' } among its rules " +
      'is expected',
    'devices.types.camera.commands.wake.acknowledgement.topic is "done/{deviceId}/{commandId}": the rules of the type do not let ' +
      'its devices publish there, so that they cannot say that the command was done; ' +
      "{ allow: publish, topics: 'done/{username}/+' } among its rules is expected",
  ]);
  // The other way round.
  const reversed = [
    { allow: 'publish', topics: 'things/{attr.thing}/message' },
    { allow: 'subscribe', topics: 'done/{username}/+' },
  ] as const;
  assert.equal(withRules(reversed).length, 2);
});

test('a rule for another attribute is none for this one, and what is denied is not allowed', () => {
  const rules = (thing: string) =>
    [
      { allow: 'subscribe', topics: `things/{attr.${thing}}/message` },
      { allow: 'publish', topics: 'done/#' },
    ] as const;
  assert.equal(withRules(rules('space')).length, 1);
  assert.deepEqual(withRules(rules('thing')), []);
  const [told] = withRules([...rules('thing'), { deny: 'publish', topics: 'done/{username}/#' }]);
  assert.match(told, /^devices\.types\.camera\.commands\.wake\.acknowledgement\.topic /);
});

test('wider rules, those of some devices and those that name a device otherwise are enough', () => {
  const hears = { allow: 'subscribe', topics: 'things/#' } as const;
  for (const topics of ['done/{username}/+', 'done/{attr.deviceId}/#', 'done/#'])
    assert.deepEqual(withRules([hears, { allow: 'publish', topics }]), [], topics);
  const some = { allow: 'publish', topics: 'done/#', for: { groups: 'new' } } as const;
  assert.deepEqual(withRules([hears, some]), []);
  const byClientId = [hears, { allow: 'publish', topics: 'done/{clientId}/+' }] as const;
  assert.deepEqual(withRules(byClientId, { clientId: undefined }), []);
  const clientId = { template: 'd-{id}', patterns: {}, equals: { id: '{deviceId}' } };
  assert.equal(withRules(byClientId, { clientId }).length, 1);
  const byName = [hears, { allow: 'publish', topics: 'done/{cn}/+' }] as const;
  assert.deepEqual(withRules(byName, { credential: 'certificate' }), []);
  assert.equal(withRules(byName).length, 1);
});

test('nothing is told of a type without commands, nor of one that cannot be used', () => {
  assert.deepEqual(deniedTopics(CAMERA), []);
  assert.deepEqual(deniedTopics(PLAYER), []);
  assert.deepEqual(deniedTopics(deviceType({ name: 'x', commands: { wake: { ...wake, topic: 'a/#' } } })), []);
});
