import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { readCertificate } from './certificate.ts';
import { findChain, isChain, trustedIssuers } from './certificate-chain.ts';
import { element, integer, oid, sequence } from './der-writer.ts';
import {
  type Bearer,
  basicConstraints,
  commonName,
  EKU_SERVER,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeAuthority,
  makeCertificate,
  type Shape,
} from './testing/certificates.ts';

const root = makeAuthority('fleet');

function problemOf(authority: Bearer | readonly Bearer[], ...shown: readonly Buffer[]): string | undefined {
  const trusted = [authority].flat().map((bearer) => readCertificate((bearer as Bearer).der));
  const [leaf, ...sent] = shown.map((der) => readCertificate(der));
  const found = findChain(leaf, sent, trustedIssuers(trusted, 'test'));
  return isChain(found) ? undefined : found.problem;
}

const clientOf = (shape: Shape) => [makeCertificate({ issuer: root, ...shape }).der];
const below = (shape: Shape, ...more: Buffer[]) => {
  const issuer = makeAuthority('below', { issuer: root, ...shape });
  return [makeCertificate({ issuer }).der, issuer.der, ...more];
};
const rsa1024 = generateKeyPairSync('rsa', { modulusLength: 1024 });
const rules: readonly (readonly [string, string, () => Buffer[]])[] = [
  ['a key of RSA with 1024 bits', 'weak', () => clientOf({ key: rsa1024 })],
  [
    'a key on a curve that is not of NIST',
    'weak',
    () => clientOf({ key: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) }),
  ],
  [
    'a signature with SHA-1',
    'weak',
    () => clientOf({ algorithm: { identifier: sequence(oid('1.2.840.10045.4.1')), hash: 'sha1' } }),
  ],
  ['a purpose that is not of clients', 'purpose', () => clientOf({ extensions: [extendedKeyUsage(EKU_SERVER)] })],
  ['a key usage without signatures', 'purpose', () => clientOf({ extensions: [keyUsage(0x20)] })],
  ['an authority that shows itself', 'purpose', () => [root.der]],
  [
    'an unknown critical extension',
    'unsupported',
    () => clientOf({ extensions: [extension('1.2.3.4', integer(1), true)] }),
  ],
];
test('refuses what RFC 5280 forbids in a certificate of its own authority', async (t) => {
  for (const [title, problem, make] of rules) {
    await t.test(title, () => assert.equal(problemOf(root, ...make()), problem));
  }
});

test('takes no certificate of an intermediate that may not issue', async (t) => {
  const shapes: Record<string, Shape> = {
    'no authority': { extensions: [keyUsage(0x06)] },
    'no key usage for it': { extensions: [basicConstraints(), keyUsage(0x80)] },
    'for servers only': { extensions: [basicConstraints(), keyUsage(0x06), extendedKeyUsage(EKU_SERVER)] },
    'name constraints': { extensions: [basicConstraints(), extension('2.5.29.30', sequence(), true)] },
  };
  assert.equal(problemOf(root, ...below({})), undefined);
  for (const [title, shape] of Object.entries(shapes))
    await t.test(title, () => assert.equal(problemOf(root, ...below(shape)), 'foreign'));
});

test('keeps the path length of the root and of what is below it', () => {
  const flat = makeAuthority('flat', { extensions: [basicConstraints(0), keyUsage(0x06)] });
  const under = makeAuthority('under', { issuer: flat });
  assert.equal(problemOf(flat, makeCertificate({ issuer: flat }).der), undefined);
  assert.equal(problemOf(flat, makeCertificate({ issuer: under }).der, under.der), 'issuer');
  assert.equal(problemOf([under, flat], makeCertificate({ issuer: under }).der), 'issuer', 'both are trusted');
  assert.equal(problemOf(under, makeCertificate({ issuer: under }).der), undefined, 'only the lower one is');
});

test('takes signatures of RSA, RSASSA-PSS and Ed25519 as well', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const sha256 = sequence(oid('2.16.840.1.101.3.4.2.1'));
  const pss = sequence(
    oid('1.2.840.113549.1.1.10'),
    sequence(
      element(0xa0, sha256),
      element(0xa1, sequence(oid('1.2.840.113549.1.1.8'), sha256)),
      element(0xa2, integer(32)),
    ),
  );
  const authority = makeAuthority('rsa', {
    key: rsa,
    algorithm: { identifier: sequence(oid('1.2.840.113549.1.1.11')), hash: 'sha256' },
  });
  const plain = { identifier: sequence(oid('1.2.840.113549.1.1.11')), hash: 'sha256' };
  assert.equal(problemOf(authority, makeCertificate({ issuer: authority, algorithm: plain }).der), undefined);
  // The key signs as PSS where it is asked to with the padding.
  const template = makeCertificate({ issuer: authority, algorithm: { identifier: pss, hash: 'sha256' } });
  const tbs = template.der.subarray(4, 4 + 4 + template.der.readUInt16BE(6));
  const padded = { key: authority.key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const signature = sign('sha256', tbs, padded);
  const der = sequence(tbs, pss, element(3, Uint8Array.of(0), signature));
  assert.equal(problemOf(authority, der), undefined);
  assert.equal(problemOf(authority, template.der), 'foreign', 'signed with another padding than it says');

  const edwards = { identifier: sequence(oid('1.3.101.112')), hash: undefined };
  const signer = makeAuthority('ed', { key: generateKeyPairSync('ed25519'), algorithm: edwards });
  assert.equal(problemOf(signer, makeCertificate({ issuer: signer, algorithm: edwards }).der), undefined);
});

test('gives up on a client who sends many certificates of one name', () => {
  const decoys = Array.from(
    { length: 200 },
    () => makeAuthority('loop', { issuer: { ...root, subject: commonName('loop') } }).der,
  );
  const client = makeCertificate({ issuer: { ...root, subject: commonName('loop') } });
  assert.equal(problemOf(root, client.der, ...decoys), 'foreign');
});
