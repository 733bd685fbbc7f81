import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { DerError } from './der.ts';
import { bitString, element, integer, oid, sequence } from './der-writer.ts';
import { isSignedBy, keyWeakness, readSignatureAlgorithm } from './signature.ts';
import { ECDSA_SHA256 } from './testing/certificates.ts';

const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' });
const data = Buffer.from('said');

test('reads algorithms that are good, and no others', () => {
  assert.deepEqual(readSignatureAlgorithm(ECDSA_SHA256), { hash: 'sha256', keyType: 'ec' });
  for (const weak of [
    '1.2.840.113549.1.1.4',
    '1.2.840.113549.1.1.5',
    '1.2.840.10045.4.1',
    '1.2.840.10040.4.3',
    '1.2.3',
  ])
    assert.equal(readSignatureAlgorithm(sequence(oid(weak))), undefined, weak);
  assert.equal(
    readSignatureAlgorithm(sequence(oid('1.2.840.113549.1.1.10'), sequence())),
    undefined,
    'PSS is SHA-1 unless it says otherwise',
  );
  assert.throws(() => readSignatureAlgorithm(Buffer.from('3000', 'hex')), DerError);
});

test('reads RSASSA-PSS with one hash for both of its uses only', () => {
  const hash = (last: number) => sequence(oid(`2.16.840.1.101.3.4.2.${last}`));
  const pss = (mask: Buffer) =>
    sequence(
      oid('1.2.840.113549.1.1.10'),
      sequence(
        element(0xa0, hash(2)),
        element(0xa1, sequence(oid('1.2.840.113549.1.1.8'), mask)),
        element(0xa2, integer(48)),
      ),
    );
  assert.deepEqual(readSignatureAlgorithm(pss(hash(2))), { hash: 'sha384', keyType: 'rsa', saltLength: 48 });
  assert.equal(readSignatureAlgorithm(pss(hash(1))), undefined);
});

test('tells weak keys from good ones', () => {
  for (const namedCurve of ['P-256', 'P-384', 'P-521'])
    assert.equal(keyWeakness(spki(generateKeyPairSync('ec', { namedCurve }).publicKey)), undefined);
  assert.equal(keyWeakness(spki(generateKeyPairSync('ed25519').publicKey)), undefined);
  assert.equal(keyWeakness(spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey)), undefined);
  assert.match(
    keyWeakness(spki(generateKeyPairSync('ec', { namedCurve: 'secp224r1' }).publicKey))!,
    /1\.3\.132\.0\.33/,
  );
  assert.match(keyWeakness(spki(generateKeyPairSync('x25519').publicKey))!, /RSA, ECDSA or EdDSA is expected/);
  const rsa = (octets: number, first: number) =>
    sequence(
      sequence(oid('1.2.840.113549.1.1.1')),
      bitString(sequence(integer(Buffer.concat([Uint8Array.of(first), Buffer.alloc(octets - 1, 1)])), integer(65_537))),
    );
  assert.match(keyWeakness(rsa(256, 0x7f))!, /2047 bits/);
  assert.equal(keyWeakness(rsa(256, 0x80)), undefined);
  assert.match(keyWeakness(rsa(1025, 0x01))!, /8193 bits/);
});

test('knows a good signature from one of another key, of other bytes, or of another kind', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = { hash: 'sha256', keyType: 'ec' } as const;
  const signature = sign('sha256', data, privateKey);
  assert.equal(isSignedBy(publicKey, algorithm, data, signature), true);
  assert.equal(isSignedBy(publicKey, algorithm, Buffer.from('other'), signature), false);
  assert.equal(isSignedBy(publicKey, algorithm, data, Buffer.from('garbage')), false);
  assert.equal(isSignedBy(publicKey, algorithm, data, Buffer.alloc(0)), false);
  assert.equal(isSignedBy(publicKey, { ...algorithm, keyType: 'rsa' }, data, signature), false);
  assert.equal(
    isSignedBy(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, algorithm, data, signature),
    false,
  );
});
