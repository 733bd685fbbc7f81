import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openClaimWorld } from './api/testing/claim-world.ts';
import { type ConfigurationInput, completeConfiguration, type ListenerConfiguration } from './configuration.ts';
import { readConfigurationFile } from './configuration-file.ts';
import { warningsOf } from './configuration-warnings.ts';

const FILES = { certificate: 'server.pem', key: 'server.key' };

function warned(
  listener: Partial<ListenerConfiguration>,
  credential: 'certificate' | 'either' = 'certificate',
): string[] {
  return warningsOf(
    completeConfiguration({
      listeners: [listener],
      authorities: ['devices', 'others'].map((name) => ({ name, certificate: 'ca.pem' })),
      authentication: [{ method: 'passwordFile', file: 'owners' }, { method: 'devices' }],
      devices: {
        types: { frame: { credential } },
        authority: { certificate: 'ca.pem', key: 'ca.key' },
        masterKey: { environment: 'KEY' },
      },
    }),
  );
}

test('a type that wants certificates is told of where no listener asks for those of devices', () => {
  const [warning, ...others] = warned({ transport: 'wss', tls: FILES });
  assert.match(warning, /^devices\.types\.frame\.credential is certificate and no listener asks/);
  assert.match(warning, /tls\.clientCertificate: optional and tls\.authorities: \[devices\]/);
  assert.deepEqual(others, []);
  const tls = { ...FILES, clientCertificate: 'optional' } as const;
  assert.equal(warned({ transport: 'tls', tls: { ...tls, authorities: ['others'] } }).length, 1);
  assert.equal(warned({ transport: 'tls', tls, authentication: ['passwordFile'] }).length, 1);
});

test('nothing is told where one does, or where a token will do', () => {
  const tls = { ...FILES, clientCertificate: 'optional' } as const;
  assert.deepEqual(warned({ transport: 'tls', tls }), []);
  assert.deepEqual(warned({ transport: 'wss', tls: { ...tls, authorities: ['devices'] } }), []);
  const proxy = { trusted: ['127.0.0.1'], clientCertificateHeader: 'Client-Cert' };
  assert.deepEqual(warned({ transport: 'ws', proxy }), []);
  assert.deepEqual(warned({ transport: 'wss', tls: FILES }, 'either'), []);
  assert.deepEqual(warningsOf(completeConfiguration({})), []);
});

test('a method that stands behind devices wherever it is asked is told of, since nobody with a User Name gets that far', () => {
  const staff = { method: 'passwordFile', file: 'staff' } as const;
  const inOrder = (authentication: ConfigurationInput['authentication'], ...names: (string[] | undefined)[]) =>
    warningsOf(
      completeConfiguration({
        listeners: names.map((of, index) => ({ port: index, ...(of && { authentication: of }) })),
        authentication,
        devices: { types: { lamp: { credential: 'token' } } },
      }),
    );
  const [warning, ...others] = inOrder([{ method: 'devices', name: 'fleet' }, staff], undefined);
  assert.match(warning, /^authentication\[1\] is the method "passwordFile", and "fleet" before it refuses/);
  assert.deepEqual(others, []);
  assert.deepEqual(inOrder([staff, { method: 'devices' }], undefined), []);
  assert.deepEqual(inOrder([{ method: 'devices' }, staff], undefined, ['passwordFile']), []);
  assert.deepEqual(inOrder([{ method: 'devices' }, staff], ['devices']), []);
  assert.deepEqual(inOrder([{ method: 'devices' }, { method: 'anonymous' }], undefined), []);
});

test('a topic of one device that several may have is told of, also where nobody listens', () => {
  const command = { topic: 'things/{attr.thing}', payload: {} };
  const rules = [{ allow: 'subscribe', topics: 'things/{attr.thing}' }] as const;
  const camera = { credential: 'token', requiredAttributes: ['thing'], rules, commands: { wake: command } } as const;
  const toldOf = (uniqueAttributes: string[]) =>
    warningsOf(completeConfiguration({ devices: { types: { camera: { ...camera, uniqueAttributes } } } }));
  assert.equal(toldOf([]).length, 1);
  assert.match(toldOf([])[0], /^devices\.types\.camera\.commands\.wake\.topic is "things\/\{attr\.thing\}"/);
  assert.deepEqual(toldOf(['thing']), []);
});

test('a command that no rule of the type lets its devices hear is told of', () => {
  const commands = { wake: { topic: 'things/{deviceId}', payload: {} } };
  const [told, ...others] = warningsOf(
    completeConfiguration({ devices: { types: { lamp: { credential: 'token', commands } } } }),
  );
  assert.match(told, /^devices\.types\.lamp\.commands\.wake\.topic is "things\/\{deviceId\}": the rules of the type/);
  assert.deepEqual(others, []);
});

test('the examples are without warnings', () => {
  for (const name of ['cameras', 'players']) {
    const file = new URL(`../../../examples/${name}/dunlin.yaml`, import.meta.url);
    assert.deepEqual(warningsOf(completeConfiguration(readConfigurationFile(fileURLToPath(file)))), [], name);
  }
});

test('a server tells of them when it starts and at each reload', async () => {
  await using world = await openClaimWorld();
  const told = () => world.events.filter(({ name }) => name === 'configurationWarning').length;
  assert.equal(told(), 1);
  await world.without('bob');
  assert.equal(told(), 2);
});
