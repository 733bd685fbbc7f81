import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { context } from '@dunlin/identity/der';
import {
  bitString,
  boolean,
  element,
  integer,
  octetString,
  oid,
  sequence,
  utf8String,
} from '@dunlin/identity/der-writer';
import { missing } from '../../../../tools/prerequisites.ts';
import { CSR_BYTES_MAX, readCsr } from './csr.ts';
import { attribute, csrDer, csrPem, ecPair, nameOfParts, type Pair, workshop } from './testing/fleet.ts';
import { commonName, extension, pemOf, signed } from './x509-writer.ts';

const { path, openssl } = workshop();
const altName = (tag: number, text: string) => extension('2.5.29.17', sequence(element(tag, Buffer.from(text))));
const keyUsage = (unused: number, ...octets: number[]) =>
  extension('2.5.29.15', bitString(Uint8Array.from(octets), unused), true);
const purposes = (...oids: string[]) => extension('2.5.29.37', sequence(...oids.map(oid)));
const CN = '2.5.4.3';
const ed25519: Pair = generateKeyPairSync('ed25519');

test('takes the key of a request in PEM or DER, of every kind that counts', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const pair of [ecPair(), ecPair('P-384'), ed25519, rsa]) {
    const der = csrDer('cam-1', { pair });
    const pem = pemOf(der, 'CERTIFICATE REQUEST');
    const forms = [der, Uint8Array.from(der), pem, Buffer.from(pem), pem.replaceAll('\n', '\r\n')];
    for (const form of [...forms, pem.replaceAll('BEGIN C', 'BEGIN NEW C').replaceAll('END C', 'END NEW C')])
      assert.ok(readCsr(form, 'cam-1').equals(pair.publicKey));
  }
});

test('takes a request for what a device is given anyway, and passes over the rest of its subject', () => {
  const pair = ecPair();
  const subject = nameOfParts(['2.5.4.6', 'CH'], ['2.5.4.10', 'ACME'], [CN, 'cam-1']);
  const extensions = [
    extension('2.5.29.19', sequence(), true),
    keyUsage(7, 0x80),
    purposes('1.3.6.1.5.5.7.3.2'),
    altName(context(2, false), 'cam-1'),
    extension('2.5.29.14', octetString(Buffer.alloc(20))),
  ];
  const attributes = [attribute('1.2.840.113549.1.9.7', utf8String('challenge'))];
  assert.ok(readCsr(csrDer('', { pair, subject, extensions, attributes }), 'cam-1').equals(pair.publicKey));
});

test('refuses every request for more than a device is given', () => {
  const asks: [Buffer, RegExp][] = [
    [extension('2.5.29.19', sequence(boolean(true)), true), /to be an authority/],
    [extension('2.5.29.19', sequence(boolean(true), integer(0))), /to be an authority/],
    [keyUsage(1, 0x06), /a key usage besides digitalSignature/],
    [keyUsage(0, 0x84), /a key usage besides/],
    [keyUsage(7, 0x80, 0x80), /a key usage besides/],
    [purposes('1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1'), /an extended key usage besides clientAuth/],
    [purposes('2.5.29.37.0'), /an extended key usage besides/],
    [altName(context(2, false), 'cam-2'), /a Subject Alternative Name that is not/],
    [altName(context(1, false), 'cam-1'), /a Subject Alternative Name that is not/],
    [altName(context(6, false), 'cam-1'), /a Subject Alternative Name that is not/],
    [extension('2.5.29.30', sequence()), /the extension 2\.5\.29\.30/],
    [extension('1.2.3.4', sequence()), /the extension 1\.2\.3\.4/],
  ];
  for (const [asked, message] of asks) {
    const microsoft = attribute('1.3.6.1.4.1.311.2.1.14', sequence(asked));
    for (const shape of [{ extensions: [asked] }, { attributes: [microsoft] }])
      assert.throws(() => readCsr(csrDer('cam-1', shape), 'cam-1'), { code: 'csr-extension', message });
  }
  // A second list beside a harmless one is read too.
  const [first, second] = [purposes('1.3.6.1.5.5.7.3.2'), extension('2.5.29.19', sequence(boolean(true)), true)];
  const attributes = [attribute('1.2.840.113549.1.9.14', sequence(second))];
  assert.throws(() => readCsr(csrDer('cam-1', { extensions: [first], attributes }), 'cam-1'), {
    code: 'csr-extension',
  });
});

test('refuses a request for another name, for two, or for one that cannot be read', () => {
  const subjects: [Buffer, RegExp][] = [
    [commonName('cam-2'), /is "cam-2"; "cam-1" is expected/],
    [commonName('CAM-1'), /is "CAM-1"/],
    [commonName('cam-1 '), /is "cam-1 "/],
    [sequence(), /is 0 of them/],
    [nameOfParts([CN, 'cam-1'], [CN, 'cam-2']), /is 2 of them/],
    [nameOfParts([CN, 'cam-1'], [CN, 'cam-1']), /is 2 of them/],
    [commonName('cam-1\0'), /one that no text holds/],
    [nameOfParts(['2.5.4.10', 'cam-1']), /is 0 of them/],
  ];
  for (const [subject, message] of subjects)
    assert.throws(() => readCsr(csrDer('', { subject }), 'cam-1'), { code: 'csr-name', message });
});

test('refuses a request that its key did not sign', () => {
  const pair = ecPair();
  const refused = { code: 'csr-signature' };
  assert.throws(() => readCsr(csrDer('cam-1', { pair, signer: ecPair().privateKey }), 'cam-1'), refused);
  const der = csrDer('cam-1', { pair });
  const damaged = Buffer.from(der);
  damaged[damaged.indexOf('cam-1')] = 0x64;
  assert.throws(() => readCsr(damaged, 'dam-1'), refused);
  // A signature of another kind than the key.
  assert.throws(() => readCsr(csrDer('cam-1', { pair, signer: ed25519.privateKey }), 'cam-1'), refused);
});

test('refuses weak keys', () => {
  const rsa = (modulusLength: number, publicExponent = 0x10001) =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent });
  const weak: [Pair, RegExp][] = [
    [rsa(1024), /an RSA key of 1024 bits/],
    [rsa(2048, 3), /exponent; 65537 is expected/],
    [ecPair('secp256k1'), /an elliptic curve/],
  ];
  for (const [pair, message] of weak)
    assert.throws(() => readCsr(csrDer('cam-1', { pair }), 'cam-1'), { code: 'key-weak', message });
  // With the exponent 1 everybody can sign.
  const { n } = rsa(2048).publicKey.export({ format: 'jwk' });
  const numbers = sequence(integer(Buffer.from(n!, 'base64url')), integer(1));
  const spki = sequence(sequence(oid('1.2.840.113549.1.1.1'), element(0x05)), bitString(numbers));
  const request = signed(sequence(integer(0), commonName('cam-1'), spki, element(context(0))), rsa(2048).privateKey);
  assert.throws(() => readCsr(request, 'cam-1'), { code: 'key-weak' });
});

test('refuses what is cut short at any byte, has more behind it, is too large or something else', () => {
  const malformed = { name: 'CertificateError', code: 'csr-malformed' };
  const der = csrDer('cam-1', { extensions: [keyUsage(7, 0x80)] });
  for (let length = 0; length < der.length; length += 1)
    assert.throws(() => readCsr(der.subarray(0, length), 'cam-1'), malformed, `${length}`);
  assert.throws(() => readCsr(Buffer.concat([der, der]), 'cam-1'), malformed);
  const million = Buffer.alloc(1_048_576, 0x30);
  for (const large of [million, million.toString('latin1'), Buffer.alloc(CSR_BYTES_MAX + 1)])
    assert.throws(() => readCsr(large, 'cam-1'), { ...malformed, message: /at most 16384 are expected/ });
  const pem = csrPem('cam-1');
  for (const text of [
    '',
    'x',
    pem.replace('A', '!'),
    pem.replaceAll('REQUEST', 'REQUESTS'),
    pem.slice(0, 200),
    pem + pem,
  ])
    assert.throws(() => readCsr(text, 'cam-1'), malformed, text);
  assert.throws(() => readCsr(csrDer('cam-1', { version: 1 }), 'cam-1'), malformed);
});

test('answers every damaged byte with an error of its own', () => {
  const der = csrDer('cam-1', { extensions: [altName(context(2, false), 'cam-1')] });
  for (let at = 0; at < der.length; at += 1)
    for (const flip of [0x01, 0x80, 0xff]) {
      const damaged = Buffer.from(der);
      damaged[at] ^= flip;
      assert.throws(() => readCsr(damaged, 'cam-1'), { name: 'CertificateError' }, `byte ${at}`);
    }
});

test('takes what OpenSSL asks for, and refuses what it asks too much', { skip: missing('openssl-command') }, () => {
  const asked = (...more: string[]) => {
    const made = openssl(
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'k',
      '-out',
      'r',
      ...more,
    );
    assert.equal(made.status, 0, made.stderr);
    return readFileSync(path('r'), 'utf8');
  };
  assert.equal(readCsr(asked('-subj', '/CN=cam-1'), 'cam-1').asymmetricKeyType, 'ec');
  assert.ok(
    readCsr(
      asked('-subj', '/CN=cam-1', '-addext', 'basicConstraints=CA:FALSE', '-addext', 'keyUsage=digitalSignature'),
      'cam-1',
    ),
  );
  const authority = asked('-subj', '/CN=cam-1', '-addext', 'basicConstraints=critical,CA:TRUE');
  assert.throws(() => readCsr(authority, 'cam-1'), { code: 'csr-extension' });
  writeFileSync(path('ours'), csrPem('cam-1', { pair: ecPair('P-384'), extensions: [keyUsage(7, 0x80)] }));
  assert.match(openssl('req', '-in', 'ours', '-noout', '-verify').stderr, /verify OK/);
});
