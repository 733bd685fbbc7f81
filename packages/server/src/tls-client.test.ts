import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, issueServerCertificate } from '@dunlin/devices';
import { tlsClient } from './tls-client.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-tls-client-'));
after(() => rmSync(scratch, { recursive: true }));

const nowMs = Date.now();
const root = createAuthority({ commonName: 'Root', days: 9, nowMs });
const below = createAuthority({ commonName: 'Below', days: 9, nowMs, issuer: root });
// The same name and another key.
const other = createAuthority({ commonName: 'Root', days: 9, nowMs });

function file(name: string, text: string): string {
  writeFileSync(join(scratch, name), text);
  return join(scratch, name);
}
const issue = (authority: typeof root, ...names: string[]): string =>
  issueServerCertificate({ authority, names, days: 9, nowMs }).certificate;

const rootFile = file('root.pem', root.certificate);
const otherFile = file('other.pem', other.certificate);

test('finds the root that the certificate leads to, directly or over others, and no other one of its name', () => {
  const direct = { certificate: file('direct.pem', issue(root, 'localhost')), key: '' };
  const chained = { certificate: file('chained.pem', `${issue(below, 'localhost')}${below.certificate}`), key: '' };
  for (const files of [direct, chained]) {
    assert.equal(tlsClient(files, [], [otherFile, rootFile]).authorityFile, rootFile);
    assert.equal(tlsClient(files, [], [otherFile]).authorityFile, undefined);
  }
  const itself = { certificate: rootFile, key: '' };
  assert.equal(tlsClient(itself, [], []).authorityFile, rootFile);
});

test('takes the first host that the certificate is for, else a name of the certificate', () => {
  const files = {
    certificate: file('names.pem', issue(root, '*.example.org', 'mqtt.example.org', '192.0.2.1')),
    key: '',
  };
  const host = (...hosts: string[]): string | undefined => tlsClient(files, hosts, []).host;
  assert.equal(host('localhost', '192.0.2.1'), '192.0.2.1');
  assert.equal(host('a.example.org'), 'a.example.org');
  assert.equal(host('localhost', '127.0.0.1'), 'mqtt.example.org');
});

test('says nothing of files that are just being changed', () => {
  const gone = { certificate: join(scratch, 'gone.pem'), key: '' };
  assert.deepEqual(tlsClient(gone, ['localhost'], []), { authorityFile: undefined, host: undefined });
});
