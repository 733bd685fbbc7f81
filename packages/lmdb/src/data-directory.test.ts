import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkDataFile, dataFile, freeBytes, prepareDirectory } from './data-directory.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';

test('makes a directory for its owner alone', () => {
  const path = join(newDirectory(), 'a/b');
  prepareDirectory(path);
  assert.equal(statSync(path).mode & 0o777, 0o700);
  prepareDirectory(path);
});

test('says what is wrong with a path that is no directory', () => {
  const path = newDirectory();
  writeFileSync(path, '');
  assert.throws(() => prepareDirectory(path), {
    code: 'not-openable',
    message: /^Cannot use .* as data directory: .*; it must be a directory that this user may write to$/,
  });
});

test('measures what is free', async () => {
  const path = newDirectory();
  mkdirSync(path);
  assert.ok((await freeBytes(path)) > 0);
});

test('tells a whole file from a short one, and makes that as long as it should be', async () => {
  const environment = await openEnvironment();
  await environment.close();
  const path = dataFile(environment.directory);
  const size = statSync(path).size;
  assert.equal(checkDataFile(path), true);
  truncateSync(path, 12_288);
  assert.equal(checkDataFile(path), false);
  assert.equal(statSync(path).size, size);
  assert.equal(checkDataFile(join(environment.directory, 'none')), true);
});

test('refuses a file that is none of LMDB', () => {
  const path = newDirectory();
  writeFileSync(path, readFileSync(import.meta.filename));
  assert.throws(() => checkDataFile(path), { code: 'damaged', message: /do not begin as a file of LMDB does/ });
});
