import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { readCertificates } from '@dunlin/identity';
import { missing } from '../../../../tools/prerequisites.ts';
import { createAuthority } from './authority.ts';
import { decryptKey, encryptKey } from './key-file.ts';
import { MasterKey } from './master-key.ts';
import { masterKey, NOW_MS, workshop } from './testing/fleet.ts';

const { path, openssl } = workshop();
const made = createAuthority({ commonName: 'Fleet', days: 10, nowMs: NOW_MS });
const chain = readCertificates(made.certificate, 'ca.pem');
const key = createPrivateKey(made.key);
const open = (text: string, master = masterKey) => decryptKey({ text, source: 'ca.key' }, master, chain, 'ca.pem');

test('a key is encrypted at rest, each time in another way, and opens with its master key alone', () => {
  const [one, other] = [encryptKey(key, masterKey), encryptKey(key, masterKey)];
  assert.notEqual(one, other);
  assert.match(one, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  for (const text of [one, other]) assert.ok(open(text).equals(key));
  const another = new MasterKey(randomBytes(32), 'the environment variable KEY');
  assert.throws(() => open(one, another), {
    name: 'CertificateFileError',
    message:
      /^Cannot open the key ca\.key with the master key of the environment variable KEY: it was encrypted under another one, or is damaged; the master key that it was written with is expected$/,
  });
});

test('a key that is not encrypted, damaged, or of another certificate is refused', () => {
  assert.throws(() => open(made.key), /ca\.key: it is not encrypted; "-----BEGIN ENCRYPTED PRIVATE KEY-----"/);
  assert.throws(() => open(''), /it is not encrypted/);
  const whole = encryptKey(key, masterKey);
  assert.throws(() => open(whole.slice(0, -80)), /is damaged/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.throws(() => open(encryptKey(privateKey, masterKey)), /"Fleet" has another key; a pair is expected/);
});

test('OpenSSL opens it with the passphrase, and with no other', { skip: missing('openssl-command') }, () => {
  writeFileSync(path('ca.key'), encryptKey(key, masterKey));
  const opened = openssl('pkcs8', '-in', 'ca.key', '-passin', `pass:${masterKey.passphrase()}`);
  assert.ok(createPublicKey(opened.stdout).equals(createPublicKey(key)));
  assert.notEqual(openssl('pkcs8', '-in', 'ca.key', '-passin', 'pass:wrong').status, 0);
});
