import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CertificateFiles } from './certificate-files.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-certificate-files-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** But for what is not shown either. */
const seen = (directory: string) =>
  readdirSync(directory)
    .filter((name) => !name.startsWith('.'))
    .sort();

const issued = { serial: 'AB', notAfterMs: 0, chain: 'chain', authorities: 'authorities', key: 'key' };

test('the files are in their places when all of them are written, and the key is for its owner alone', () => {
  const directory = join(scratch, 'new');
  const files = new CertificateFiles(directory, { hasKey: true, force: false });
  const written = files.write(issued).map(({ file }) => file);
  files.close();
  assert.deepEqual(
    written,
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(directory, name)),
  );
  assert.deepEqual(
    written.map((file) => readFileSync(file, 'utf8')),
    ['authorities', 'chain', 'key'],
  );
  assert.equal(statSync(join(directory, 'key.pem')).mode & 0o777, 0o600);
  assert.deepEqual(seen(directory), ['ca.pem', 'cert.pem', 'key.pem']);
});

test('nothing that is there is written over but for force, which follows no link', () => {
  const directory = join(scratch, 'there');
  mkdirSync(directory);
  const elsewhere = join(scratch, 'elsewhere');
  writeFileSync(elsewhere, 'theirs');
  symlinkSync(elsewhere, join(directory, 'key.pem'));
  const begin = (force: boolean) => new CertificateFiles(directory, { hasKey: true, force });
  assert.throws(() => begin(false), /Cannot write .*key\.pem: it is there; --force puts the new one in its place/);
  assert.deepEqual(readdirSync(directory), ['key.pem']);
  const files = begin(true);
  files.write(issued);
  files.close();
  assert.equal(readFileSync(elsewhere, 'utf8'), 'theirs');
  assert.equal(readFileSync(join(directory, 'key.pem'), 'utf8'), 'key');
});

test('what comes to be there meanwhile is left alone, and the certificate that was issued is named', () => {
  const directory = join(scratch, 'meanwhile');
  const files = new CertificateFiles(directory, { hasKey: true, force: false });
  writeFileSync(join(directory, 'key.pem'), 'theirs');
  assert.throws(() => files.write(issued), /file already exists.*\nThe certificate AB was issued all the same: /);
  files.close();
  assert.equal(readFileSync(join(directory, 'key.pem'), 'utf8'), 'theirs');
});

test('a place that cannot be written is told of before anything is issued', () => {
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  assert.throws(
    () => new CertificateFiles(join(file, 'below'), { hasKey: false, force: false }),
    /^CommandError: Cannot write the certificate into .*below: not a directory \(ENOTDIR\)/,
  );
});
