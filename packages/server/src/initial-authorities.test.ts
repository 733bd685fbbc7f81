import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createAuthority, issueClientCertificate, parseMasterKey } from '@dunlin/devices';
import { initialAuthorities } from './initial-authorities.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-authorities-'));
after(() => rmSync(scratch, { recursive: true, force: true }));
const nowMs = Date.now();
const options = { days: 30, nowMs };

test('the authority of the server and that of the devices have nothing in common', () => {
  const { own, devices, devicesRootKey, masterKey } = initialAuthorities(options, ['localhost']);
  const [server, issuing] = [own, devices].map(({ certificate }) => new X509Certificate(certificate));
  assert.notEqual(server.issuer, issuing.issuer);
  assert.equal(issuing.verify(server.publicKey), false);
  assert.match(own.key, /^-----BEGIN PRIVATE KEY-----/);
  for (const key of [devices.key, devicesRootKey]) assert.match(`${key}`, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  assert.ok(parseMasterKey(masterKey, 'a test').passphrase());
  assert.notEqual(initialAuthorities(options, ['localhost']).masterKey, masterKey);
});

test('one that was brought along has to be an authority', () => {
  const authority = createAuthority({ commonName: 'Corporate', days: 30, nowMs });
  const client = issueClientCertificate({ authority, commonName: 'a', days: 1, nowMs });
  const brought = (name: string, certificate: string, key: string) => {
    const files = { certificate: join(scratch, `${name}.pem`), key: join(scratch, `${name}.key`) };
    writeFileSync(files.certificate, certificate);
    writeFileSync(files.key, key);
    return initialAuthorities({ ...options, broughtAuthority: files }, ['localhost']);
  };
  assert.equal(brought('ca', authority.certificate, authority.key).devicesRootKey, undefined);
  assert.throws(() => brought('client', client.certificate, client.key!), /client\.pem: "a" is no authority/);
  assert.throws(() => brought('mixed', authority.certificate, client.key!), /has another key; a pair is expected/);
});
