import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { Authorities } from '@dunlin/identity';
import { missing } from '../../../../tools/prerequisites.ts';
import { TestClock } from '../testing/clock.ts';
import { createAuthority, issueClientCertificate, issueServerCertificate } from './authority.ts';
import { IssuingAuthority } from './issuing-authority.ts';
import { encryptKey } from './key-file.ts';
import { newAuthority } from './new-authority.ts';
import { csrPem, DAY_MS, ecPair, fleet, masterKey, NOW_MS, openAuthority, rawOf, workshop } from './testing/fleet.ts';

const { path, openssl } = workshop();
const authority = openAuthority();
const issue = { deviceId: 'cam-1', days: 30, nowMs: NOW_MS };

function texts(made: { certificate: string; key: string }, more = '') {
  return { certificate: made.certificate + more, key: encryptKey(createPrivateKey(made.key), masterKey) };
}

test('issues for the key of a request, and for one that it makes', () => {
  const pair = ecPair();
  const asked = authority.issue({ ...issue, csr: csrPem('cam-1', { pair }) });
  assert.equal(asked.key, undefined);
  assert.ok(new X509Certificate(asked.certificate).publicKey.equals(pair.publicKey));
  const made = authority.issue(issue);
  assert.ok(createPublicKey(made.key!).equals(new X509Certificate(made.certificate).publicKey));
  assert.equal(made.notAfterMs, NOW_MS + 30 * DAY_MS);
  assert.notEqual(made.serial, asked.serial);
  assert.match(made.serial, /^(?!00)(?:[0-9A-F]{2}){15,20}$/);
});

test('our own check takes its certificates by the root, with the chain that a device shows', () => {
  const definitions = [{ name: 'devices', certificates: fleet.root.certificate }];
  const authorities = new Authorities({ definitions, clock: new TestClock(NOW_MS) });
  const { chain, serial } = authority.issue(issue);
  const shown = chain.split(/(?=-----BEGIN)/).map(rawOf);
  assert.equal(shown.length, 2);
  assert.deepEqual(authorities.examine(shown, ['devices']).facts, {
    authority: 'devices',
    serial,
    commonName: 'cam-1',
  });
});

test('devices are told whom to trust: who vouches for the server, else the authority itself, and never a key', () => {
  assert.equal(authority.serverAuthorities, authority.trusted);
  const server = createAuthority({ commonName: 'server', days: 30, nowMs: NOW_MS });
  const other = IssuingAuthority.open({
    name: 'devices',
    certificate: { text: fleet.issuing.certificate, source: 'ca.pem' },
    key: { text: fleet.issuing.key, source: 'ca.key' },
    masterKey,
    serverAuthorities: { text: server.key + server.certificate, source: 'server.pem' },
  });
  assert.equal(other.serverAuthorities.trim(), server.certificate.trim());
  assert.notEqual(other.trusted, other.serverAuthorities);
});

test('nothing is issued for a name, a time or a key that cannot be', () => {
  const refusals: [object, string][] = [
    [{ deviceId: '' }, 'name-unfit'],
    [{ deviceId: 'a'.repeat(65) }, 'name-unfit'],
    [{ deviceId: 'a\0' }, 'name-unfit'],
    [{ days: 0 }, 'days-unfit'],
    [{ days: Number.NaN }, 'days-unfit'],
    [{ days: 1e9 }, 'days-unfit'],
    [{ nowMs: NOW_MS + 3651 * DAY_MS }, 'authority-expired'],
    [{ csr: csrPem('cam-2') }, 'csr-name'],
  ];
  for (const [other, code] of refusals)
    assert.throws(() => authority.issue({ ...issue, ...other }), { name: 'CertificateError', code });
  const late = authority.issue({ ...issue, days: 365, nowMs: NOW_MS + 3640 * DAY_MS });
  assert.equal(late.notAfterMs, authority.notAfterMs, 'ends with its authority');
});

test('a request for the key of the authority itself, or of one above it, is refused', () => {
  const { certificate, key: ownKey } = fleet.issuing;
  const whole = openAuthority({ certificate: certificate + fleet.root.certificate, key: ownKey });
  for (const key of [fleet.issuing.key, fleet.root.key]) {
    const privateKey = createPrivateKey({ key, passphrase: masterKey.passphrase() });
    const pair = { privateKey, publicKey: createPublicKey(privateKey) };
    assert.throws(() => whole.issue({ ...issue, csr: csrPem('cam-1', { pair }) }), { code: 'key-taken' });
  }
});

test('says where the status of a certificate is to be had', { skip: missing('openssl-command') }, () => {
  const urls = { crl: 'http://pki.example/crl/devices.crl', ocsp: 'http://pki.example/ocsp' };
  writeFileSync(path('d.pem'), openAuthority(fleet.issuing, urls).issue(issue).certificate);
  const text = openssl('x509', '-noout', '-text', '-in', 'd.pem').stdout;
  assert.match(text, /CRL Distribution Points:\s+Full Name:\s+URI:http:\/\/pki\.example\/crl\/devices\.crl/);
  assert.match(text, /OCSP - URI:http:\/\/pki\.example\/ocsp/);
});

test('OpenSSL verifies its certificates for clients and for nothing else', { skip: missing('openssl-command') }, () => {
  // The clock of the machine counts.
  const recent = newAuthority({ name: 'Recent', nowMs: Date.now(), masterKey });
  const opened = openAuthority(recent.issuing);
  writeFileSync(path('root.pem'), recent.root.certificate);
  writeFileSync(path('chain.pem'), opened.issue({ ...issue, nowMs: Date.now() }).chain);
  const verify = (purpose: string) =>
    openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      purpose,
      '-CAfile',
      'root.pem',
      '-untrusted',
      'chain.pem',
      'chain.pem',
    );
  assert.equal(verify('sslclient').stdout, 'chain.pem: OK\n');
  assert.match(verify('sslserver').stderr, /(?:unsupported|unsuitable) certificate purpose/);
  // What is below the root of devices is no server, even where somebody trusts that root.
  const issuing = { certificate: recent.issuing.certificate, key: '' };
  const key = createPrivateKey({ key: recent.issuing.key, passphrase: masterKey.passphrase() });
  issuing.key = key.export({ type: 'pkcs8', format: 'pem' }) as string;
  const forged = issueServerCertificate({ authority: issuing, names: ['localhost'], days: 1, nowMs: Date.now() });
  writeFileSync(path('forged.pem'), forged.certificate);
  const args = ['-purpose', 'sslserver', '-CAfile', 'root.pem', '-untrusted', 'chain.pem', 'forged.pem'];
  assert.match(openssl('verify', ...args).stderr, /(?:unsupported|unsuitable) certificate purpose/);
});

test("Node's TLS takes its certificates", async () => {
  const nowMs = Date.now();
  const recent = newAuthority({ name: 'Recent', nowMs, masterKey });
  const device = openAuthority(recent.issuing).issue({ ...issue, nowMs });
  const own = createAuthority({ commonName: 'Server', days: 1, nowMs });
  const pair = issueServerCertificate({ authority: own, names: ['localhost'], days: 1, nowMs });
  const server = createServer({
    cert: pair.certificate,
    key: pair.key,
    ca: recent.root.certificate,
    requestCert: true,
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const secured = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const client = connect({ port, servername: 'localhost', ca: own.certificate, cert: device.chain, key: device.key });
  const [socket] = await secured;
  assert.equal(socket.authorized, true);
  assert.equal(socket.getPeerCertificate().subject.CN, 'cam-1');
  client.destroy();
  server.close();
  await once(server, 'close');
});

test('opens only files that fit together, of an authority that may issue for clients', () => {
  const root = createAuthority({ commonName: 'Root', days: 10, nowMs: NOW_MS });
  const below = createAuthority({ commonName: 'Below', days: 10, nowMs: NOW_MS, issuer: root });
  const client = issueClientCertificate({ authority: root, commonName: 'a', days: 1, nowMs: NOW_MS });
  const third = createAuthority({ commonName: 'Third', days: 10, nowMs: NOW_MS, issuer: below });
  const wrong: [{ certificate: string; key: string }, RegExp][] = [
    [texts({ certificate: client.certificate, key: client.key! }), /is no authority/],
    [
      texts(below, createAuthority({ commonName: 'Root', days: 10, nowMs: NOW_MS }).certificate),
      /certificate 2 in it did not issue/,
    ],
    [{ ...texts(below), certificate: root.certificate + below.certificate }, /did not issue the one before/],
    [texts(third, below.certificate + root.certificate), /"Below" allows 0 authorities below it, and there are 1/],
    [{ ...texts(below), key: texts(root).key }, /has another key; a pair is expected/],
    [{ ...texts(below), certificate: '' }, /it is empty/],
  ];
  for (const [files, message] of wrong)
    assert.throws(() => openAuthority(files), { name: 'CertificateFileError', message });
  assert.equal(
    openAuthority(texts(root))
      .issue({ ...issue, days: 1 })
      .chain.match(/BEGIN/g)?.length,
    1,
  );
  assert.equal(
    openAuthority(texts(below, root.certificate))
      .issue({ ...issue, days: 1 })
      .chain.match(/BEGIN/g)?.length,
    2,
  );
});
