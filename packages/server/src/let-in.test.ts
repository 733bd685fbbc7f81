import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfiguration, type PartialConfiguration } from './configuration.ts';
import { isOpen, letInText } from './let-in.ts';

function text(input: PartialConfiguration): string {
  const configuration = completeConfiguration(input);
  return letInText(configuration, configuration.listeners[0]);
}

const passwords = { method: 'passwordFile', file: 'passwords' } as const;
const users = { method: 'users', users: [] } as const;
const certificate = { method: 'certificate' } as const;
const authorities = [{ name: 'own', certificate: 'ca.pem' }];
const tls = { certificate: 'server.pem', key: 'server.key' };

test('where nobody is asked, says who can come', () => {
  assert.equal(text({}), 'open to this machine alone');
  assert.equal(
    text({ listeners: [{ host: '0.0.0.0', allowAnonymous: true }] }),
    'open to EVERYBODY who can reach this machine',
  );
  assert.match(
    text({ listeners: [{ transport: 'unix', path: 'a' }] }),
    /^open to programs .* use the socket \(mode 0660\)$/,
  );
  const proxy = { trusted: ['127.0.0.1'], protocol: 'v1' } as const;
  assert.equal(text({ listeners: [{ proxy }] }), 'open to EVERYBODY whom the proxy lets through');
});

test('on loopback too, who is asked is not let in as he comes', () => {
  assert.equal(text({ authentication: [passwords] }), 'asks who you are: passwords');
});

test('names the methods of the listener, each word once', () => {
  const authentication = [passwords, users, { method: 'scram', file: 's' }] as const;
  assert.equal(text({ authentication }), 'asks who you are: passwords, SCRAM');
  assert.equal(text({ authentication, listeners: [{ authentication: ['scram'] }] }), 'asks who you are: SCRAM');
});

test('names certificates where they can be shown, and says where nobody can get in for the lack of it', () => {
  const asked = { transport: 'tls', tls: { ...tls, clientCertificate: 'optional' } } as const;
  const authentication = [certificate, passwords];
  assert.equal(text({ authorities, authentication, listeners: [asked] }), 'asks who you are: certificates, passwords');
  assert.equal(text({ authorities, authentication }), 'asks who you are: passwords');
  assert.match(text({ authorities, authentication: [certificate] }), /^lets in NOBODY/);
});

test('says that who shows nothing is let in, whichever way that was configured', () => {
  const open = 'open to EVERYBODY who can reach this machine; asks who shows something: passwords';
  const host = '0.0.0.0';
  assert.equal(text({ authentication: [passwords], listeners: [{ host, allowAnonymous: true }] }), open);
  assert.equal(text({ authentication: [passwords, { method: 'anonymous' }], listeners: [{ host }] }), open);
  const configuration = completeConfiguration({ authentication: [passwords] });
  assert.equal(isOpen(configuration, configuration.listeners[0]), false);
});
