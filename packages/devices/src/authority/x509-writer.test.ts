import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { element, sequence, time } from '@dunlin/identity/der-writer';
import {
  authorityExtensions,
  commonName,
  crlEntries,
  extension,
  keyIdOf,
  pemOf,
  serialNumber,
  signCertificate,
  signCrl,
} from './x509-writer.ts';

const pair = (namedCurve: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
  return { key: privateKey, publicKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
};
const subject = commonName('Fleet');

test('signs with the hash that fits the key', () => {
  const ed25519 = generateKeyPairSync('ed25519');
  const edwards = { key: ed25519.privateKey, publicKey: ed25519.publicKey };
  const pairs = [
    pair('P-256'),
    pair('P-384'),
    { ...edwards, spki: ed25519.publicKey.export({ type: 'spki', format: 'der' }) },
  ];
  for (const { key, publicKey, spki } of pairs) {
    const content = { subject, publicKey: spki, notBeforeMs: 0, notAfterMs: 3e12, extensions: authorityExtensions(1) };
    const certificate = new X509Certificate(signCertificate(content, { subject, key, keyId: keyIdOf(spki) }));
    assert.ok(certificate.verify(publicKey));
    assert.equal(certificate.ca, true);
    assert.equal(certificate.subject, 'CN=Fleet');
    assert.equal(certificate.validTo, 'Jan 24 05:20:00 2065 GMT');
  }
});

test('refuses a key that cannot sign', () => {
  const { privateKey: key } = generateKeyPairSync('x25519');
  const content = { subject, publicKey: pair('P-256').spki, notBeforeMs: 0, notAfterMs: 1, extensions: [] };
  assert.throws(
    () => signCertificate(content, { subject, key, keyId: Buffer.alloc(20) }),
    /kind x25519: ECDSA, RSA or Ed25519/,
  );
});

test('writes lists of a hundred thousand entries, in lines of PEM', () => {
  const { key, spki } = pair('P-256');
  const revoked = Array.from({ length: 100_000 }, (_, index) => ({
    serial: (0x1000000 + index).toString(16),
    revokedAtMs: 0,
    reasonCode: undefined,
  }));
  const der = signCrl(
    [crlEntries(revoked)],
    { thisUpdateMs: 0, nextUpdateMs: 1, number: 1 },
    { subject, key, keyId: keyIdOf(spki) },
  );
  assert.ok(der.length > 2_000_000);
  // Entry for entry as a builder of single elements writes it, whatever the serial number begins with.
  for (const serial of ['0', '7F', '80', 'FF', '00ABC', 'F'.repeat(40), '1'.repeat(39)])
    for (const reasonCode of [undefined, 1]) {
      const list = signCrl(
        [crlEntries([{ serial, revokedAtMs: 0, reasonCode }])],
        { thisUpdateMs: 0, nextUpdateMs: 1, number: 1 },
        { subject, key, keyId: keyIdOf(spki) },
      );
      const why = reasonCode === undefined ? [] : [sequence(extension('2.5.29.21', element(0x0a, Uint8Array.of(1))))];
      assert.ok(list.includes(sequence(sequence(serialNumber(serial), time(0), ...why))), serial);
    }
  const lines = pemOf(der, 'X509 CRL').trimEnd().split('\n');
  assert.equal(Buffer.from(lines.slice(1, -1).join(''), 'base64').compare(der), 0);
  assert.ok(lines.every((line) => line.length <= 64));
});
