import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { readCertificate } from './certificate.ts';
import {
  CertificateFileError,
  certificateWarnings,
  checkKeyBelongs,
  readCertificates,
  readCrlBlocks,
  readPrivateKey,
} from './pem.ts';
import { DAY_MS, makeAuthority, makeCertificate, NOW_MS, pem } from './testing/certificates.ts';

const root = makeAuthority('root');
const server = makeCertificate({ issuer: root });
const text = pem(server.der);
const pkcs8 = server.key.export({ type: 'pkcs8', format: 'pem' }) as string;
const encrypted = server.key.export({
  type: 'pkcs8',
  format: 'pem',
  cipher: 'aes-256-cbc',
  passphrase: 'secret',
}) as string;

test('reads bundles as editors and programs leave them', () => {
  const serials = (bundle: string) => readCertificates(bundle, 'f.pem').map(({ serial }) => serial);
  const both = [readCertificate(server.der).serial, readCertificate(root.der).serial];
  const bundle = text + pem(root.der);
  for (const variant of [
    bundle,
    `\uFEFF${bundle}`,
    bundle.replaceAll('\n', '\r\n'),
    `subject=ada\n${bundle}\n\n# end`,
    pkcs8 + bundle,
  ])
    assert.deepEqual(serials(variant), both);
});

test('says of a file that cannot be read what is wrong with it', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /it is empty/],
    ['hello', /holds no "-----BEGIN/],
    [server.der.toString('utf8'), /it is binary/],
    [Buffer.from(text, 'utf16le').toString('utf8'), /it is binary/],
    [text.replaceAll('\n', ''), /its line breaks are lost/],
    [text.replaceAll('\n', ' '), /its line breaks are lost/],
    [text.replaceAll('\n', '\\n'), /its line breaks are lost/],
    [text.slice(0, -30), /has no end/],
    [text.replace(/M/, '!'), /damaged or cut short/],
    [text.replace(/\n.{8}/, '\n'), /certificate 1 of f\.pem/],
    [pkcs8, /holds a private key; were the two files exchanged\?/],
    [pem(root.der, 'TRUSTED CERTIFICATE'), /only "TRUSTED CERTIFICATE"/],
    [pem(Buffer.from('3003020101', 'hex')), /Cannot read certificate 1 of f\.pem: found/],
    ['x'.repeat(4_194_305), /at most 4194304 are expected/],
  ];
  for (const [content, message] of cases) {
    const isTold = (error: Error) => error instanceof CertificateFileError && message.test(error.message);
    assert.throws(() => readCertificates(content, 'f.pem'), isTold, String(message));
  }
});

test('reads private keys, and encrypted ones with their passphrase only', () => {
  assert.equal(readPrivateKey(pkcs8, 'key.pem').asymmetricKeyType, 'ec');
  assert.equal(
    readPrivateKey(server.key.export({ type: 'sec1', format: 'pem' }) as string, 'key.pem').asymmetricKeyType,
    'ec',
  );
  assert.equal(readPrivateKey(encrypted, 'key.pem', 'secret').asymmetricKeyType, 'ec');
  assert.throws(() => readPrivateKey(encrypted, 'key.pem'), /it is encrypted; its passphrase/);
  assert.throws(
    () => readPrivateKey(encrypted, 'key.pem', 'hunter2'),
    (error: Error) => {
      assert.match(error.message, /its passphrase is another/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    },
  );
  assert.throws(() => readPrivateKey(text, 'key.pem'), /holds a certificate; were the two files exchanged\?/);
  assert.throws(() => readPrivateKey(pem(Buffer.from('3000', 'hex'), 'PRIVATE KEY'), 'key.pem'), /it is damaged/);
});

test('says that a certificate and a key are no pair, or that the order is wrong', () => {
  const chain = [readCertificate(server.der), readCertificate(root.der)];
  checkKeyBelongs(chain, 'c.pem', server.key, 'k.pem');
  const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  assert.throws(() => checkKeyBelongs(chain, 'c.pem', another, 'k.pem'), /"ada" has another key; a pair is expected/);
  assert.throws(() => checkKeyBelongs(chain, 'c.pem', root.key, 'k.pem'), /belongs to certificate 2 in it/);
});

test('a key of another kind is no pair, and the next one is read as if nothing had been', () => {
  const chain = [readCertificate(server.der)];
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  assert.throws(() => checkKeyBelongs(chain, 'c.pem', rsa, 'k.pem'), /"ada" has another key; a pair is expected/);
  checkKeyBelongs(chain, 'c.pem', readPrivateKey(pkcs8, 'k.pem'), 'k.pem');
});

test('warns from 30 days before a certificate ends, with the days that are left', () => {
  const certificate = readCertificate(makeCertificate({ notAfterMs: NOW_MS + 40 * DAY_MS }).der);
  const warned = (days: number) => certificateWarnings([certificate], 'c.pem', NOW_MS + days * DAY_MS);
  assert.deepEqual(warned(0), []);
  assert.deepEqual(warned(10), []);
  assert.deepEqual(
    warned(11).map(({ code }) => code),
    ['certificate-ends-soon'],
  );
  assert.match(warned(33.5)[0].message, /"ada" in c\.pem ends in 6 days, at 2026-02-10 00:00 UTC/);
  assert.deepEqual(
    warned(41).map(({ code }) => code),
    ['certificate-expired'],
  );
  assert.deepEqual(
    warned(-2).map(({ code }) => code),
    ['certificate-not-yet-valid'],
  );
});

test('warns of a chain without its intermediate, and of one out of order', () => {
  const middle = makeAuthority('middle', { issuer: root });
  const [leaf, above, top] = [makeCertificate({ issuer: middle, notAfterMs: NOW_MS + 90 * DAY_MS }), middle, root].map(
    ({ der }) => readCertificate(der),
  );
  const codes = (chain: (typeof leaf)[], roots = [top]) =>
    certificateWarnings(chain, 'c.pem', NOW_MS - DAY_MS, roots).map(({ code }) => code);
  assert.deepEqual(codes([leaf, above]), []);
  assert.deepEqual(codes([leaf, above, top]), []);
  assert.deepEqual(codes([leaf]), ['chain-incomplete']);
  assert.deepEqual(codes([leaf], []), []);
  assert.deepEqual(codes([leaf, top, above]), ['chain-out-of-order']);
});

test('finds revocation lists in PEM and DER', () => {
  const der = Buffer.from('3000', 'hex');
  assert.deepEqual(readCrlBlocks(der, 'c.crl'), [der]);
  assert.deepEqual(readCrlBlocks(Buffer.from(pem(der, 'X509 CRL').repeat(2)), 'c.crl'), [der, der]);
  assert.throws(() => readCrlBlocks(Buffer.from(text), 'c.crl'), /holds "CERTIFICATE"; "X509 CRL" is expected/);
});
