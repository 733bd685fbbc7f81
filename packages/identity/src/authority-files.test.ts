import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authorities } from './authorities.ts';
import { readAuthorityFiles } from './authority-files.ts';
import { integer } from './der-writer.ts';
import { makeAuthority, makeCertificate, makeCrl, NOW_MS, pem } from './testing/certificates.ts';
import { TestClock } from './testing/clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-authority-'));
after(() => rmSync(directory, { recursive: true }));
const path = (file: string) => join(directory, file);
const root = makeAuthority('root');
writeFileSync(path('ca.pem'), pem(root.der));

test('reads what authorities are made of, with any number of lists', () => {
  writeFileSync(path('a.crl'), makeCrl(root, { serials: [7] }));
  writeFileSync(path('b.crl'), pem(makeCrl(root, { serials: [8] }), 'X509 CRL'));
  const files = { name: 'fleet', certificate: path('ca.pem') };
  const problems = (crl?: string | string[]) => {
    const definitions = [readAuthorityFiles({ ...files, crl })];
    const authorities = new Authorities({ definitions, clock: new TestClock(NOW_MS) });
    const problem = (serial: number) =>
      authorities.examine([makeCertificate({ issuer: root, serial: integer(serial) }).der], ['fleet']).problem;
    return [problem(7), problem(8)];
  };
  assert.deepEqual(problems(), [undefined, undefined]);
  assert.deepEqual(problems(path('a.crl')), ['revoked', undefined]);
  assert.deepEqual(problems([path('a.crl'), path('b.crl')]), ['revoked', 'revoked']);
});

test('names the file that cannot be read, or whose content cannot be used', () => {
  assert.throws(
    () => readAuthorityFiles({ name: 'f', certificate: path('none.pem') }),
    /^CertificateFileError: Cannot read the certificates of an authority from ".*none\.pem": there is no such file$/,
  );
  const definition = readAuthorityFiles({ name: 'f', certificate: path('ca.pem'), crl: path('ca.pem') });
  const make = () => new Authorities({ definitions: [definition], clock: new TestClock(NOW_MS) });
  assert.throws(make, /Cannot read a revocation list from .*ca\.pem: it holds "CERTIFICATE"/);
});
