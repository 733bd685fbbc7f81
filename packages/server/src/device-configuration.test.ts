import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { completeConfiguration } from './configuration.ts';
import { configurationChanges, reloadedConfiguration } from './configuration-changes.ts';
import { parseConfiguration } from './configuration-file.ts';
import { completeDevices, deviceTypes } from './device-configuration.ts';
import { shownConfiguration } from './shown-configuration.ts';

const TEXT = `
authentication: [{ method: devices }]
authorities: [{ name: devices, certificate: ca.pem }]
devices:
  types:
    camera:
      credential: token
      clientId: { template: '{a}-{b}', equals: { a: '{deviceId}' } }
      rules: [{ allow: subscribe, topics: a }]
      commands:
        wake:
          topic: a
          payload: { id: '{commandId}', at: '{nowS}', n: 5, on: true, none: ~, list: [1, '1', '\${PIECE}'], __proto__: { a: 1 } }
          ttlS: 5min
  authority: { certificate: ca.pem, key: ca.key }
  masterKey: { environment: KEY }
`;

function read(text = TEXT) {
  return completeConfiguration(parseConfiguration(text, 'dunlin.yaml', { environment: { PIECE: 'p' } }));
}

test('what is not given has its default, in every type and command', () => {
  const { devices } = read();
  assert.deepEqual(devices?.authority, {
    ...{ name: 'devices', certificate: 'ca.pem', key: 'ca.key' },
    ...{ days: 365, warnDays: 30, renewalOverlapS: 604_800 },
  });
  assert.deepEqual(devices?.registration, []);
  const [camera] = devices === undefined ? [] : deviceTypes(devices);
  assert.deepEqual(camera.clientId, { template: '{a}-{b}', patterns: {}, equals: { a: '{deviceId}' } });
  const { wake } = camera.commands;
  assert.deepEqual([wake.ttlS, wake.qos, wake.acknowledgement], [300, 1, undefined]);
  const [empty] = deviceTypes(completeDevices({ types: { empty: {} } }));
  assert.deepEqual(empty, {
    ...{
      name: 'empty',
      credential: 'either',
      clientId: undefined,
      requiredAttributes: [],
      uniqueAttributes: [],
      rules: [],
    },
    ...{ presence: undefined, claimable: false, claimAttributes: [], commands: {} },
  });
});

test('a payload keeps the kinds of its values, has variables of the environment, and no key of it is special', () => {
  const payload = read().devices?.types.camera.commands?.wake.payload as Record<string, unknown>;
  assert.equal(
    JSON.stringify(payload),
    '{"id":"{commandId}","at":"{nowS}","n":5,"on":true,"none":null,"list":[1,"1","p"],"__proto__":{"a":1}}',
  );
  assert.equal(Object.getPrototypeOf(payload), Object.prototype);
  const inexpressible = TEXT.replace('n: 5', 'n: .inf');
  assert.throws(() => read(inexpressible), /wake\.payload\.n is \.inf: a value such as/);
  assert.throws(() => read(TEXT.replace('PIECE', 'NOTHING')), /NOTHING is not set/);
});

test('shown, it can be read again and is the same', () => {
  const shown = shownConfiguration(read());
  assert.equal(parse(shown).devices.types.camera.commands.wake.payload.n, 5);
  assert.equal(shownConfiguration(completeConfiguration(parseConfiguration(shown, 'shown'))), shown);
});

test('a reload takes other types over, and nothing else of devices or of the API', () => {
  const former = read();
  const next = read(
    `${TEXT.replace('credential: token', 'credential: either').replace('KEY', 'OTHER')}api: { keysMax: 7 }\n`,
  );
  assert.deepEqual(configurationChanges(former, next), {
    reloaded: ['devices.types'],
    needsRestart: ['devices.masterKey', 'api'],
  });
  const { devices, api } = reloadedConfiguration(former, next);
  assert.deepEqual(
    [devices?.types.camera.credential, devices?.masterKey, api.keysMax],
    ['either', { environment: 'KEY' }, 1_000],
  );
  const without = read('{}');
  assert.deepEqual(configurationChanges(without, former).needsRestart.includes('devices'), true);
  assert.equal(reloadedConfiguration(without, former).devices, undefined);
});

for (const [what, text, problem] of [
  ['a method devices without types', 'authentication: [{method: devices}]', /method devices and devices is missing/],
  [
    'an authority that is none',
    TEXT.replace('name: devices, cert', 'name: other, cert'),
    /devices\.authority\.name is "devices", no authority/,
  ],
  ['no master key', TEXT.replace(/ {2}masterKey.*\n/, ''), /devices\.masterKey is missing/],
  [
    'two places of the master key',
    TEXT.replace('environment: KEY', 'environment: KEY, file: k'),
    /has file and environment/,
  ],
  ['a type that is none', `${TEXT}  registration: [{ authority: devices, type: oven }]\n`, /"oven", no device type/],
  ['the API beside plain MQTT', 'listeners: [{ api: true }]', /listeners\[0\]\.api is true beside transport tcp/],
] as const)
  test(`${what} is a contradiction`, () => assert.throws(() => read(text), problem));

test('the master key has the one key that was given, and no other that is undefined', () => {
  const given = { file: 'a', environment: undefined, credential: undefined } as { file: string };
  assert.deepEqual(Object.keys(completeDevices({ masterKey: given }).masterKey ?? {}), ['file']);
});
