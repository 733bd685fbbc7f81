import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { importMosquitto } from './mosquitto-import.ts';

function imported(...lines: string[]) {
  const { yaml, remarks } = importMosquitto(lines.join('\n'), 'm.conf');
  const { listeners, authentication, authorization, clientIds } = completeConfiguration(parseConfiguration(yaml, 'd'));
  return {
    doors: listeners.map((listener) => [listener.authentication, listener.allowAnonymous]),
    methods: authentication.map((method) => [method.name, method.method, 'file' in method ? method.file : undefined]),
    authorization,
    clientIds,
    remarks: remarks.map(({ kind, text }) => `${kind} ${text}`),
  };
}

const MUTUAL = ['certfile /c', 'keyfile /k', 'cafile /ca', 'require_certificate true'];

test('lets everybody in where Mosquitto does: without a listener, or with allow_anonymous', () => {
  for (const lines of [[''], ['allow_anonymous true', 'listener 1']]) {
    const { doors, methods } = imported(...lines);
    assert.deepEqual([doors, methods], [[[undefined, true]], []]);
  }
});

test('lets nobody in where Mosquitto lets nobody in, on loopback too', () => {
  const { doors, methods, remarks } = imported('listener 1883 localhost');
  assert.deepEqual(doors, [[undefined, false]]);
  assert.deepEqual(methods, [['nobody', 'passwordFile', '/dev/null']]);
  assert.match(remarks.join(), /^note nobody can connect, as with Mosquitto/);
});

test('asks for passwords, and lets in who shows none with allow_anonymous', () => {
  for (const isAllowed of [true, false]) {
    const { doors, methods } = imported('listener 1', 'password_file /p', `allow_anonymous ${isAllowed}`);
    assert.deepEqual(doors, [[undefined, isAllowed]]);
    assert.deepEqual(methods, [['passwordFile', 'passwordFile', '/p']]);
  }
});

test('takes the user name from the certificate on the listener that says so, and passwords on the others', () => {
  const lines = ['password_file /p', 'listener 1', 'listener 2', ...MUTUAL, 'use_identity_as_username true'];
  const { doors, methods } = imported(...lines);
  assert.deepEqual(doors, [
    [['passwordFile'], false],
    [['certificate'], false],
  ]);
  assert.deepEqual(
    methods.map(([name]) => name),
    ['passwordFile', 'certificate'],
  );
});

test('takes the Common Name where Mosquitto takes the subject, and says so', () => {
  const { methods, remarks } = imported('listener 2', ...MUTUAL, 'use_subject_as_username true');
  assert.deepEqual(
    methods.map(([name]) => name),
    ['certificate'],
  );
  assert.match(remarks.join(), /^lost use_subject_as_username is not carried: the user name is the Common Name/);
});

test('lets nobody in where certificates count and none is asked for', () => {
  const lines = ['certfile /c', 'keyfile /k', 'use_identity_as_username true', 'allow_anonymous true'];
  const { methods, remarks } = imported('listener 2', ...lines);
  assert.match(remarks.join(), /^note nobody can connect, as with Mosquitto: .* without require_certificate none is/);
  assert.deepEqual(
    methods.map(([name]) => name),
    ['nobody'],
  );
});

test('keeps the doors of listeners apart with per_listener_settings', () => {
  const one = [
    'listener 1',
    'password_file /p',
    'listener 2',
    'allow_anonymous true',
    'listener 3',
    'password_file /q',
  ];
  const { doors, methods, remarks } = imported('per_listener_settings true', ...one, 'listener 4', 'password_file /p');
  assert.deepEqual(doors, [
    [['passwordFile'], false],
    [['anonymous'], true],
    [['passwordFile-2'], false],
    [['passwordFile'], false],
  ]);
  assert.deepEqual(
    methods.map(([name, , file]) => [name, file]),
    [
      ['passwordFile', '/p'],
      ['anonymous', undefined],
      ['passwordFile-2', '/q'],
    ],
  );
  assert.match(remarks.join(), /a user name counts for nothing/);
});

test('takes listener_allow_anonymous of 2.1 before allow_anonymous', () => {
  const { doors } = imported(
    'allow_anonymous false',
    'password_file /p',
    'listener 1',
    'listener_allow_anonymous true',
  );
  assert.deepEqual(doors, [[undefined, true]]);
});

test('carries the ACL file, whose subscriptions are checked message by message', () => {
  const { authorization, methods } = imported('acl_file /acl', 'allow_anonymous true', 'listener 1');
  assert.deepEqual(authorization, { aclFile: '/acl', broaderFilter: 'check' });
  assert.deepEqual(
    methods.map(([name]) => name),
    ['anonymous'],
  );
});

test('holds the first of several ACL files everywhere, and says so', () => {
  const lines = ['listener 1', 'acl_file /a', 'listener 2', 'acl_file /b', 'listener 3'];
  const { authorization, remarks } = imported('per_listener_settings true', ...lines);
  assert.equal(authorization.aclFile, '/a');
  assert.match(remarks.join('\n'), /lost acl_file is not carried: the rules of line 3 hold on every listener/);
  assert.match(remarks.join('\n'), /note the rules hold on every listener here/);
});

test('carries the prefix of Client Identifiers', () => {
  assert.deepEqual(imported('clientid_prefixes secure-').clientIds, [{ template: 'secure-{rest}' }]);
  assert.match(imported('clientid_prefixes a{b').remarks.join(), /lost clientid_prefixes is not carried: braces/);
});
