import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_BYTES_MAX, readCertificate } from './certificate.ts';
import { DerError, TAG } from './der.ts';
import { element, integer, sequence, utf8String } from './der-writer.ts';
import {
  altNames,
  basicConstraints,
  EKU_CLIENT,
  extendedKeyUsage,
  extension,
  keyUsage,
  makeCertificate,
  nameOfParts,
  type Shape,
} from './testing/certificates.ts';

const read = (shape: Shape) => readCertificate(makeCertificate(shape).der);
const CN = '2.5.4.3';

test('reads what a certificate says of its bearer and of what it may do', () => {
  const extensions = [basicConstraints(2), keyUsage(0x86), extendedKeyUsage(EKU_CLIENT)];
  const certificate = read({ extensions, serial: integer(0x0a0b) });
  assert.equal(certificate.serial, '0A0B');
  assert.deepEqual(certificate.commonNames, ['ada']);
  assert.equal(certificate.isAuthority, true);
  assert.equal(certificate.pathLength, 2);
  assert.equal(certificate.keyUsage, 0x86);
  assert.deepEqual(certificate.extendedKeyUsage, [EKU_CLIENT]);
  assert.equal(certificate.unknownExtension, undefined);
});

test('reads serial numbers of up to 20 octets, without those of zeros in front', () => {
  assert.equal(read({ serial: integer(0) }).serial, '00');
  assert.equal(read({ serial: integer(Buffer.alloc(20, 0xff)) }).serial, 'FF'.repeat(20));
  assert.throws(() => read({ serial: integer(Buffer.alloc(21, 0xff)) }), DerError);
  assert.throws(() => read({ serial: element(TAG.integer, Uint8Array.of(0xff)) }), DerError);
});

test('keeps every Common Name in place, and those unreadable as such', () => {
  const hidden = nameOfParts([CN, utf8String('ada')], [CN, utf8String('ev\0il')], ['2.5.4.10', utf8String('org')]);
  assert.deepEqual(read({ subject: hidden }).commonNames, ['ada', undefined]);
  const bmp = element(TAG.bmpString, Buffer.from('ada', 'utf16le').swap16());
  assert.deepEqual(read({ subject: nameOfParts([CN, bmp]) }).commonNames, ['ada']);
  assert.deepEqual(read({ subject: sequence() }).commonNames, []);
});

test('leaves out alternative names that hide something', () => {
  const names = altNames(
    [2, 'good.example'],
    [2, 'evil.example\0.good.example'],
    [6, 'urn:ü'],
    [7, Uint8Array.of(1, 2, 3)],
  );
  const v6 = altNames([7, Buffer.from('20010db8000000000000000000000001', 'hex')]);
  assert.deepEqual(read({ extensions: [names] }).subjectAltNames, {
    dns: ['good.example'],
    uri: [],
    email: [],
    ip: [],
  });
  assert.deepEqual(read({ extensions: [v6] }).subjectAltNames.ip, ['2001:db8:0:0:0:0:0:1']);
});

test('refuses two extensions of one kind, and more of anything than is sane', () => {
  assert.throws(() => read({ extensions: [keyUsage(0x80), keyUsage(0x04)] }), /found the extension 2\.5\.29\.15 twice/);
  const many = Array.from({ length: 65 }, (_, index) => extension(`1.2.3.${index}`, integer(1)));
  assert.throws(() => read({ extensions: many }), /more than 64 extensions/);
  const names = altNames(...Array.from({ length: 257 }, () => [2, 'a'] as const));
  assert.throws(() => read({ extensions: [names] }), /more than 256/);
  const subject = nameOfParts(...Array.from({ length: 65 }, () => [CN, utf8String('a')] as const));
  assert.throws(() => read({ subject }), /more than 64/);
  assert.throws(() => readCertificate(Buffer.alloc(CERTIFICATE_BYTES_MAX + 1)), DerError);
});

test('names a critical extension that it does not understand, and name constraints always', () => {
  assert.equal(read({ extensions: [extension('1.2.3.4', integer(1), true)] }).unknownExtension, '1.2.3.4');
  assert.equal(read({ extensions: [extension('1.2.3.4', integer(1))] }).unknownExtension, undefined);
  assert.equal(read({ extensions: [extension('2.5.29.30', sequence())] }).unknownExtension, '2.5.29.30');
});
