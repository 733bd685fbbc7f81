import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { type AskedClient, configuredClient } from './configured-client.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-configured-client-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const file = join(scratch, 'passwd');
writeFileSync(file, 'bob:one\nbob:two\n');

function client(input: PartialConfiguration, asked: Partial<AskedClient>) {
  const nobody = { clientId: 'c', username: undefined, commonName: undefined, groups: [], attributes: {} };
  const { username, groups, attributes, notes } = configuredClient(completeConfiguration(input), {
    ...nobody,
    ...asked,
  });
  return { username, groups, attributes: { ...attributes }, notes };
}

const ada = { name: 'ada', password: 'hash', groups: ['ops'], attributes: { site: 'x' }, disabled: true };

test('takes groups and attributes from the first method that knows the user, and adds those given', () => {
  const authentication: PartialConfiguration['authentication'] = [
    { method: 'users', users: [ada] },
    { method: 'passwordFile', file, groups: ['people'] },
  ];
  assert.deepEqual(client({ authentication }, { username: 'ada', groups: ['more'], attributes: { site: 'y' } }), {
    username: 'ada',
    groups: ['ops', 'more'],
    attributes: { site: 'y' },
    notes: ['the user "ada" is disabled'],
  });
  assert.deepEqual(client({ authentication }, { username: 'bob' }).groups, ['people']);
  assert.deepEqual(client({ authentication }, { username: 'eve' }).notes, [
    'no method of the configuration knows the user "eve": it is not let in',
  ]);
});

test('says which method may give groups that only a connection shows', () => {
  const jwt = { method: 'jwt', algorithms: ['HS256'], secret: 'x'.repeat(32) } as const;
  assert.deepEqual(client({ authentication: [jwt] }, { username: 'eve' }).notes, [
    'groups: none known (give -g): the method "jwt" may give some',
  ]);
  assert.deepEqual(client({ authentication: [jwt] }, { username: 'eve', groups: ['g'] }).notes, []);
  const known = client({ authentication: [jwt, { method: 'users', users: [ada] }] }, { username: 'ada' });
  assert.equal(known.notes.at(-1), 'asked first: the method "jwt" may know the client otherwise');
});

test('knows whom a certificate lets in only by its Common Name', () => {
  const authorities = [{ name: 'ours', certificate: 'ca.pem' }];
  const authentication = [{ method: 'certificate', groups: ['devices'] }] as const;
  const configuration = { authorities, authentication };
  assert.deepEqual(client(configuration, { username: 'a', commonName: 'a' }).groups, ['devices']);
  assert.deepEqual(client(configuration, { username: 'a', commonName: 'b' }).groups, []);
  assert.match(client(configuration, { username: 'a' }).notes[0], /the method "certificate" may give some/);
});

test('an anonymous client has the groups of the method, and no name where it showed one', () => {
  const authentication = [{ method: 'anonymous', acceptsUsername: true, groups: ['guests'] }] as const;
  assert.deepEqual(client({ authentication }, {}), {
    username: undefined,
    groups: ['guests'],
    attributes: {},
    notes: [],
  });
  assert.deepEqual(client({ authentication }, { username: 'x' }), {
    username: undefined,
    groups: ['guests'],
    attributes: {},
    notes: ['the method "anonymous" forgets the user name'],
  });
});

test('reads the fields of the client id where a template fits it, and says where none does', () => {
  const clientIds = [{ template: '{site}-{n}', patterns: { n: 'digits+' }, listeners: ['two'] }];
  const listeners = [{ name: 'one' }, { name: 'two', port: 1884 }];
  const all = { clientIds: [{ template: '{site}:{n}' }] };
  assert.deepEqual(client(all, { clientId: 'a:1' }).attributes, { site: 'a', n: '1' });
  assert.match(client(all, { clientId: 'a' }).notes[0], /^not let in: the client id fits none of "\{site\}:\{n\}"$/);
  assert.match(
    client({ clientIds, listeners }, { clientId: 'a' }).notes[0],
    /^client id read as on the listener "one"/,
  );
});
