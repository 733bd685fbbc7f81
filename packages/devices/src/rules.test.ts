import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY } from '@dunlin/broker';
import { compileRules, readRules } from '@dunlin/identity';
import { DeviceTypes } from './registry/types.ts';
import { deviceRules, rulesWithDevices } from './rules.ts';
import { CAMERA, PLAYER } from './testing/types.ts';

const types = new DeviceTypes([CAMERA, PLAYER]);
const configured = readRules({
  rules: [
    { allow: 'all', topics: 'public/#' },
    { allow: 'all', topics: '#', for: { users: 'admin' } },
    { allow: 'all', topics: 'lab/#', for: { groups: 'lab' }, except: { users: 'bob' } },
    { deny: 'publish', topics: 'player/+/status', for: { clientIds: 'bad' } },
  ],
});

const permissionsOf = (
  rules: Parameters<typeof compileRules>[0],
  username: string,
  groups: string[],
  attributes = {},
  clientId = 'c',
) => {
  const permissions = compileRules(rules).permissions(clientId, { ...NOBODY, username, groups, attributes });
  assert.ok(permissions !== undefined);
  return {
    publish: (topic: string) => permissions.mayPublish(topic, 1, false) === 0,
    subscribe: (filter: string) => permissions.maySubscribe(filter, 1) === 1,
  };
};

test('allows a device what its type says', () => {
  const camera = permissionsOf(deviceRules(types), 'd1', ['device-type:camera'], { thing: 't1' });
  assert.ok(camera.subscribe('things/t1/message'));
  for (const filter of ['things/t2/message', 'things/+/message', '#', '$SYS/#', 'things/t1/#'])
    assert.ok(!camera.subscribe(filter), filter);
  assert.ok(!camera.publish('things/t1/message'));
});

test('pastes no attribute that leaves its level', () => {
  for (const thing of ['t1/message', '+', '#', 'a\0'])
    assert.ok(
      !permissionsOf(deviceRules(types), 'd1', ['device-type:camera'], { thing }).subscribe(`things/${thing}/message`),
    );
});

test('allows a device nothing of what others may, be it called and grouped as they are', () => {
  const rules = rulesWithDevices(configured, types);
  const device = permissionsOf(rules, 'admin', ['lab', 'device-type:player']);
  for (const topic of ['public/a', 'lab/a', 'a']) assert.ok(!device.publish(topic), topic);
  assert.ok(!device.subscribe('#'));
  assert.ok(device.publish('player/admin/status'));
  assert.ok(!permissionsOf(rules, 'd1', ['device-type:player'], {}, 'bad').publish('player/d1/status'));
});

test('leaves to others what they may', () => {
  const rules = rulesWithDevices(configured, types);
  assert.ok(permissionsOf(rules, 'admin', []).publish('a'));
  assert.ok(permissionsOf(rules, 'ada', ['lab']).publish('lab/a'));
  assert.ok(!permissionsOf(rules, 'bob', ['lab']).publish('lab/a'));
  assert.ok(permissionsOf(rules, 'bob', []).publish('public/a'));
  assert.ok(!permissionsOf(rules, 'bob', []).publish('player/bob/status'));
});

test('lets others do everything where no rules are configured, and devices no more than their types say', () => {
  const rules = rulesWithDevices(undefined, types);
  const ada = permissionsOf(rules, 'ada', []);
  assert.ok(ada.publish('a/b') && ada.subscribe('#') && ada.subscribe('$SYS/#'));
  const device = permissionsOf(rules, 'd1', ['device-type:player']);
  assert.ok(!device.publish('a/b') && !device.subscribe('$SYS/#') && device.publish('player/d1/status'));
});
