import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCertificate } from './certificate.ts';
import { readCrls } from './crl.ts';
import { element, integer, sequence } from './der-writer.ts';
import { CertificateFileError } from './pem.ts';
import {
  basicConstraints,
  type CrlShape,
  DAY_MS,
  ecKey,
  extension,
  keyUsage,
  makeAuthority,
  makeCrl,
  NOW_MS,
  pem,
} from './testing/certificates.ts';

const root = makeAuthority('root');
const issuers = [readCertificate(root.der)];
const read = (shape: CrlShape, issuer = root) => readCrls(makeCrl(issuer, shape), 'root.crl', issuers);

test('knows the serial numbers of a list, and no others', () => {
  const serials = [1, 0x7f, 0x80, 0xabc, 2 ** 40];
  const [crl] = read({ serials });
  assert.equal(crl.entries, serials.length);
  for (const serial of serials) assert.equal(crl.has(serial.toString(16).toUpperCase()), true);
  for (const serial of ['0', '2', '100', 'AB', 'ABC0', '0ABC00']) assert.equal(crl.has(serial), false, serial);
  assert.equal(crl.nextUpdateMs, NOW_MS + DAY_MS);
});

test('reads several lists of a file, empty ones and those that never end', () => {
  const file = pem(makeCrl(root), 'X509 CRL') + pem(makeCrl(root, { serials: [9], nextUpdateMs: null }), 'X509 CRL');
  const lists = readCrls(Buffer.from(file), 'root.crl', issuers);
  assert.deepEqual(
    lists.map(({ entries, nextUpdateMs }) => [entries, nextUpdateMs]),
    [
      [0, NOW_MS + DAY_MS],
      [1, Infinity],
    ],
  );
});

test('refuses a list that the authority did not sign, or may not sign', () => {
  assert.throws(
    () => read({}, makeAuthority('elsewhere')),
    /it is of "elsewhere"; one of a certificate of this authority/,
  );
  assert.throws(() => read({ key: ecKey().privateKey }), /"root" did not sign it/);
  const silent = makeAuthority('silent', { extensions: [basicConstraints(), keyUsage(0x04)] });
  const silentCrl = () => readCrls(makeCrl(silent), 'silent.crl', [readCertificate(silent.der)]);
  assert.throws(silentCrl, /the key usage cRLSign is expected/);
});

test('refuses lists that leave out certificates, or that speak for other issuers', () => {
  const point = (...parts: Buffer[]) => [extension('2.5.29.28', sequence(...parts), true)];
  const yes = (number: number) => element(0x80 | number, Uint8Array.of(0xff));
  assert.throws(() => read({ extensions: [extension('2.5.29.27', integer(1), true)] }), /found a delta list/);
  assert.throws(() => read({ extensions: point(yes(4)) }), /found an indirect list/);
  assert.throws(() => read({ extensions: point(yes(2)) }), /found a list of some certificates or reasons only/);
  assert.throws(() => read({ extensions: [extension('1.2.3', integer(1), true)] }), /critical extension 1\.2\.3/);
  assert.throws(
    () => read({ serials: [1], entryExtensions: [extension('2.5.29.29', sequence(), true)] }),
    /found an indirect list/,
  );
  const reason = extension('2.5.29.21', element(0x0a, Uint8Array.of(1)));
  assert.equal(
    read({ serials: [1], entryExtensions: [reason], extensions: [extension('2.5.29.20', integer(7))] })[0].entries,
    1,
  );
});

test('answers garbage with an error that names the file', () => {
  const good = makeCrl(root, { serials: [1, 2, 3] });
  const isTold = (error: Error) => error instanceof CertificateFileError && error.message.includes('root.crl');
  const refused = (bytes: Uint8Array) => assert.throws(() => readCrls(Buffer.from(bytes), 'root.crl', issuers), isTold);
  const changed = ([at, by]: [number, number]) => {
    const bytes = Buffer.from(good);
    bytes[at] ^= by;
    refused(bytes);
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused));
  fc.assert(fc.property(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 })), changed), {
    numRuns: 500,
  });
});
