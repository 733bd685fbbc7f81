import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules, type RuleInput } from '@dunlin/identity';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { configuredRules } from './rules.ts';
import { tryoutCommands } from './tryout-commands.ts';

/** The commands alone, without what is said around them and without what they do. */
function commands(input: PartialConfiguration): string[] {
  const configuration = completeConfiguration(input);
  const listeners = configuration.listeners.map((listener) => ({
    ...listener,
    addresses: [],
    configuration: listener,
  }));
  const authorizer = compileRules(configuredRules(configuration.authorization, configuration.devices).rules);
  return tryoutCommands({ configuration, authorizer }, listeners)
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim().replace(/ -t .*/, ''));
}

const passwords = { method: 'passwordFile', file: 'passwords' } as const;
const tls = { certificate: 'none.pem', key: 'none.key' };
const authorities = [{ name: 'own', certificate: 'none.pem' }];

test('with nobody asked there are no more flags than host and port', () => {
  assert.deepEqual(commands({}), ['dunlin sub', 'dunlin pub', 'mosquitto_sub', 'mosquitto_pub']);
  assert.deepEqual(commands({ listeners: [{ host: '192.0.2.1', port: 7, versions: [3] }] }), [
    'mosquitto_sub -h 192.0.2.1 -p 7 -V mqttv31',
    'mosquitto_pub -h 192.0.2.1 -p 7 -V mqttv31',
  ]);
});

test('over TLS Mosquitto tries it, and the own tool, which has none, by another listener', () => {
  const listeners = [
    { transport: 'tls', host: '::', port: 9, tls },
    { port: 8, name: 'local' },
  ] as const;
  const secure = '--cafile AUTHORITY -h HOST -p 9 -u USER -P PASSWORD';
  assert.deepEqual(commands({ authentication: [passwords], listeners: [listeners[0]] }), [
    `mosquitto_sub ${secure}`,
    `mosquitto_pub ${secure}`,
  ]);
  assert.deepEqual(commands({ authentication: [passwords], listeners }), [
    `mosquitto_sub ${secure}`,
    `mosquitto_pub ${secure}`,
    'dunlin sub -p 8 -u USER -P PASSWORD',
    'dunlin pub -p 8 -u USER -P PASSWORD',
  ]);
});

test('flags are those of the first method that a tool can answer', () => {
  const [sub] = commands({ authentication: [{ method: 'scram', file: 's' }, passwords] });
  assert.equal(sub, 'dunlin sub -u USER -P PASSWORD');
  const jwt = { method: 'jwt', algorithms: ['HS256'], secret: 'x' } as const;
  assert.equal(commands({ authentication: [jwt] })[0], 'dunlin sub -u USER -P TOKEN');
  assert.equal(commands({ authentication: [{ ...jwt, from: 'username' }] })[0], 'dunlin sub -u TOKEN');
  assert.equal(commands({ authentication: [passwords, { method: 'anonymous' }] })[0], 'dunlin sub');
  const template = { clientIds: [{ template: '{a}-{b}' }] };
  assert.equal(commands({ authentication: [passwords], ...template })[0], 'dunlin sub -u USER -P PASSWORD -i CLIENTID');
});

test('a certificate is shown where it is asked for, once', () => {
  const listener = (clientCertificate: 'optional' | 'required') =>
    ({ transport: 'tls', port: 9, tls: { ...tls, clientCertificate } }) as const;
  const certificate = { method: 'certificate', match: 'username' } as const;
  const place = 'mosquitto_sub --cafile AUTHORITY -h HOST -p 9';
  const sub = (authentication: PartialConfiguration['authentication'], which: 'optional' | 'required'): string =>
    commands({ authorities, authentication, listeners: [listener(which)] })[0];
  assert.equal(sub([certificate], 'required'), `${place} --cert CERTIFICATE --key KEY -u NAME`);
  assert.equal(sub([passwords, certificate], 'optional'), `${place} -u USER -P PASSWORD`);
  assert.equal(sub([passwords, certificate], 'required'), `${place} --cert CERTIFICATE --key KEY -u USER -P PASSWORD`);
});

test('nothing is given that cannot work', () => {
  assert.deepEqual(commands({ authentication: [{ method: 'scram', file: 's' }] }), []);
  assert.deepEqual(commands({ listeners: [{ transport: 'wss', tls }] }), []);
  assert.deepEqual(commands({ listeners: [{ proxy: { trusted: ['::1'], protocol: 'any' } }] }), []);
  assert.deepEqual(commands({ listeners: [{ transport: 'unix', path: '/a b' }] }), [
    "mosquitto_sub --unix '/a b'",
    "mosquitto_pub --unix '/a b'",
  ]);
});

test('nothing is given that the rules deny', () => {
  const topics = 'fleet/#';
  const services = { ...passwords, groups: ['services'] };
  const given = (rules: RuleInput[], authentication: PartialConfiguration['authentication'] = [services]) =>
    commands({ authentication, authorization: { rules } })[0];
  assert.equal(given([{ allow: 'all', topics, for: { groups: 'services' } }]), undefined);
  assert.equal(given([{ allow: 'subscribe', topics: '#' }]), undefined);
  assert.equal(given([{ allow: 'all', topics: '#', for: { groups: 'services' } }]), 'dunlin sub -u USER -P PASSWORD');
  // As "dunlin init" has it.
  assert.equal(
    given([{ allow: 'all', topics: '#', for: { users: 'the admin' } }]),
    "dunlin sub -u 'the admin' -P PASSWORD",
  );
  const anonymous = { method: 'anonymous', groups: ['guests'] } as const;
  assert.equal(given([{ allow: 'all', topics: '#', for: { groups: 'guests' } }], [anonymous, passwords]), 'dunlin sub');
  const forUsers = { allow: 'all', topics: '#', for: { anonymous: false } } as const;
  assert.equal(given([forUsers], [anonymous, passwords]), 'dunlin sub -u USER -P PASSWORD');
});

test('of users by hash one who may is named, and behind the method devices nobody comes in by a name', () => {
  const user = (name: string, more: object = {}) => ({ name, password: 'x', ...more });
  const users = {
    method: 'users',
    users: [user('ada'), user('eve', { disabled: true, groups: ['all'] }), user('bob', { groups: ['all'] })],
  } as const;
  const authorization = { rules: [{ allow: 'all', topics: '#', for: { groups: 'all' } }] } as const;
  assert.equal(commands({ authentication: [users], authorization })[0], 'dunlin sub -u bob -P PASSWORD');
  assert.deepEqual(commands({ authentication: [{ method: 'devices' }, users], authorization, devices: {} }), []);
});
