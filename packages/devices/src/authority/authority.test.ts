import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Authorities, readCertificates } from '@dunlin/identity';
import {
  createAuthority,
  createCrl,
  isServerName,
  issueClientCertificate,
  issueServerCertificate,
} from './authority.ts';

const nowMs = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const authority = createAuthority({ commonName: 'Fleet', days: 365, nowMs });
const client = { authority, commonName: 'ada', days: 30, nowMs };
const clock = { nowMs: () => nowMs, steadyMs: () => 0, every: () => ({ cancel() {} }), endOfTurn: setImmediate };
const der = (certificate: string) => new X509Certificate(certificate).raw;

test('issues certificates to clients that our own check finds good, until they are revoked', () => {
  const issued = issueClientCertificate(client);
  const definition = { name: 'fleet', certificates: authority.certificate };
  const authorities = new Authorities({ definitions: [definition], clock });
  const found = authorities.examine([der(issued.certificate)], ['fleet']);
  assert.equal(found.problem, undefined);
  assert.deepEqual(found.facts, { authority: 'fleet', serial: issued.serial, commonName: 'ada' });
  assert.equal(issued.notAfterMs, nowMs + 30 * DAY_MS);
  const list = createCrl({ authority, serials: [issued.serial], nowMs, nextUpdateMs: nowMs + DAY_MS });
  authorities.replace([{ ...definition, crls: [{ bytes: Buffer.from(list), source: 'fleet.crl' }] }]);
  assert.equal(authorities.examine([der(issued.certificate)], ['fleet']).problem, 'revoked');
});

test('issues below an authority that another one made, which may make no further one', () => {
  const below = createAuthority({ commonName: 'Below', days: 10, nowMs, issuer: authority });
  const issued = issueClientCertificate({ ...client, authority: below });
  const authorities = new Authorities({ definitions: [{ name: 'fleet', certificates: authority.certificate }], clock });
  const examine = (...chain: string[]) => authorities.examine(chain.map(der), ['fleet']).problem;
  assert.equal(examine(issued.certificate, below.certificate), undefined);
  assert.equal(issued.notAfterMs, nowMs + 10 * DAY_MS, 'ends with its authority');
  const third = createAuthority({ commonName: 'Third', days: 10, nowMs, issuer: below });
  const deep = issueClientCertificate({ ...client, authority: third });
  assert.equal(examine(deep.certificate, third.certificate, below.certificate), 'issuer');
});

test('keeps to the key that a client brings, and makes none then', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const text = publicKey.export({ type: 'spki', format: 'pem' }) as string;
  const issued = issueClientCertificate({ ...client, publicKey: text });
  assert.equal(issued.key, undefined);
  assert.ok(new X509Certificate(issued.certificate).publicKey.equals(publicKey));
  const made = issueClientCertificate(client);
  assert.ok(createPublicKey(made.key!).equals(new X509Certificate(made.certificate).publicKey));
  assert.match(made.key!, /^-----BEGIN PRIVATE KEY-----/);
});

test('gives every certificate a serial number that nobody guesses', () => {
  const serials = Array.from({ length: 50 }, () => issueClientCertificate(client).serial);
  assert.equal(new Set(serials).size, 50);
  const numbers = serials.map((serial) => BigInt(`0x${serial}`));
  assert.ok(numbers.every((number) => number < 2n ** 159n));
  assert.ok(numbers.some((number) => number > 2n ** 152n));
});

test('signs with an RSA authority that was brought along', () => {
  const brought = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const key = brought.export({ type: 'pkcs8', format: 'pem' }) as string;
  // Its certificate is one of a client with that key: whether it may issue is for the one who checks.
  const spki = createPublicKey(brought).export({ type: 'spki', format: 'pem' }) as string;
  const { certificate } = issueClientCertificate({ ...client, publicKey: spki });
  const issued = issueClientCertificate({ ...client, authority: { certificate, key } });
  assert.ok(new X509Certificate(issued.certificate).verify(createPublicKey(brought)));
});

test('refuses names that cannot be, and validities that are none', () => {
  for (const commonName of ['', 'a'.repeat(65), 'a\0b', '\u202eada'])
    assert.throws(() => issueClientCertificate({ ...client, commonName }), /1 to 64 visible characters are expected/);
  const server = (...names: string[]) => issueServerCertificate({ authority, names, days: 1, nowMs });
  assert.throws(() => server(), /at least one name/);
  for (const name of ['', 'a b', 'ü.example', 'a..b', '-a', '*', 'a.*.b', '1.2.3.4/8', 'a\0b', 'x'.repeat(64)])
    assert.throws(() => server(name), /a DNS name in ASCII or an IP address is expected/, name);
  assert.throws(() => issueClientCertificate({ ...client, days: 0 }), /more than 0 is expected/);
  assert.throws(() => issueClientCertificate({ ...client, nowMs: nowMs + 400 * DAY_MS }), /the authority has expired/);
  assert.throws(() => createCrl({ authority, serials: ['xyz'], nowMs, nextUpdateMs: nowMs }), /hexadecimal digits/);
  const mixed = { ...authority, key: createAuthority({ commonName: 'x', days: 1, nowMs }).key };
  assert.throws(() => issueClientCertificate({ ...client, authority: mixed }), /has another key; a pair is expected/);
});

test('names a server by every name and address that it is given', () => {
  const names = ['localhost', '*.fleet.example', '127.0.0.1', '::1', '2001:db8::8:800:200c:417a', '::ffff:10.0.0.1'];
  const [certificate] = readCertificates(
    issueServerCertificate({ authority, names, days: 90, nowMs }).certificate,
    'server',
  );
  assert.deepEqual(certificate.subjectAltNames, {
    dns: ['localhost', '*.fleet.example'],
    ip: ['127.0.0.1', '0:0:0:0:0:0:0:1', '2001:db8:0:0:8:800:200c:417a', '0:0:0:0:0:ffff:a00:1'],
    uri: [],
    email: [],
  });
});

test('says whether a server certificate can be for a name', () => {
  for (const name of ['vm', 'mqtt.example.org', '*.example.org', '192.0.2.1', 'fd00::2'])
    assert.ok(isServerName(name), name);
  for (const name of ['', 'no name', 'a..b', 'fe80::1%eth0', 'bücher.example', 'a'.repeat(64)])
    assert.equal(isServerName(name), false, name);
});
