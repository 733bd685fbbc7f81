import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { missing } from '../../../../tools/prerequisites.ts';
import { createAuthority } from './authority.ts';
import { broughtAuthority, newAuthority } from './new-authority.ts';
import { DAY_MS, fleet, masterKey, NOW_MS, openAuthority, workshop } from './testing/fleet.ts';

const { path, openssl } = workshop();
const file = (name: string) => ({ text: readFileSync(path(name), 'utf8'), source: name });

test('a new authority is a root and one below it that issues, with keys that only the master key opens', () => {
  const root = fleet.root.certificate;
  const below = new X509Certificate(fleet.issuing.certificate);
  assert.ok(below.checkIssued(new X509Certificate(root)) && below.verify(new X509Certificate(root).publicKey));
  assert.deepEqual([below.subject, below.issuer], ['CN=Fleet issuing', 'CN=Fleet root']);
  for (const { key } of [fleet.issuing, fleet.root]) assert.match(key, /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  assert.equal(openAuthority().notAfterMs, NOW_MS + 3650 * DAY_MS);
  const long = newAuthority({ name: 'x'.repeat(100), nowMs: NOW_MS, masterKey });
  assert.equal(new X509Certificate(long.root.certificate).subject, `CN=${'x'.repeat(50)} root`);
});

test('one that OpenSSL made is taken over with its key', { skip: missing('openssl-command') }, () => {
  const make = (...args: string[]) => {
    const { status, stderr } = openssl('req', '-x509', '-new', '-days', '30', '-subj', '/CN=Corporate', ...args);
    assert.equal(status, 0, stderr);
  };
  const usage = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
  make('-newkey', 'rsa:2048', '-passout', 'pass:secret', '-keyout', 'rsa.key', '-out', 'rsa.pem', ...usage);
  const options = { certificate: file('rsa.pem'), key: file('rsa.key'), masterKey };
  const brought = broughtAuthority({ ...options, passphrase: 'secret' });
  const issued = openAuthority(brought.issuing).issue({ deviceId: 'cam-1', days: 1, nowMs: Date.now() });
  assert.ok(new X509Certificate(issued.certificate).verify(new X509Certificate(brought.issuing.certificate).publicKey));
  assert.throws(() => broughtAuthority(options), /rsa\.key: it is encrypted; its passphrase/);
  assert.throws(() => broughtAuthority({ ...options, passphrase: 'wrong' }), /its passphrase is another/);

  make('-newkey', 'ed25519', '-nodes', '-keyout', 'ed.key', '-out', 'ed.pem', ...usage);
  const edwards = broughtAuthority({ certificate: file('ed.pem'), key: file('ed.key'), masterKey });
  const small = openAuthority(edwards.issuing).issue({ deviceId: 'cam-1', days: 1, nowMs: Date.now() });
  assert.ok(new X509Certificate(small.certificate).verify(new X509Certificate(edwards.issuing.certificate).publicKey));

  make(
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'no.key',
    '-out',
    'no.pem',
    '-addext',
    'keyUsage=critical,keyCertSign',
  );
  const without = { certificate: file('no.pem'), key: file('no.key'), masterKey };
  assert.throws(() => broughtAuthority(without), /"Corporate" may not sign revocation lists/);
});

test('of a chain that is brought along what issues is apart from those above it', () => {
  const top = createAuthority({ commonName: 'Top', days: 10, nowMs: NOW_MS });
  const { certificate, key } = createAuthority({ commonName: 'Site', days: 10, nowMs: NOW_MS, issuer: top });
  const named = { text: certificate + top.certificate, source: 'chain.pem' };
  const brought = broughtAuthority({ certificate: named, key: { text: key, source: 'site.key' }, masterKey });
  assert.deepEqual([brought.issuing.certificate, brought.above], [certificate, top.certificate]);
});
