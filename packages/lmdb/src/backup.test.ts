import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backUp } from './backup.ts';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { newDirectory } from './testing/directory.ts';

function open(): { database: Database; directory: string } {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  return { directory, database: new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 }) };
}

test('makes the directory and puts one file into it, both for the owner alone', async () => {
  const { database } = open();
  const copy = join(newDirectory(), 'a/b');
  await backUp(database, copy);
  assert.deepEqual(readdirSync(copy), ['data.mdb']);
  assert.deepEqual([statSync(copy).mode & 0o777, statSync(dataFile(copy)).mode & 0o777], [0o700, 0o600]);
  await database.close();
});

test('says what is wrong with where it should go', async () => {
  const { database, directory } = open();
  const full = newDirectory();
  mkdirSync(full);
  writeFileSync(join(full, 'notes'), '');
  await assert.rejects(backUp(database, full), {
    code: 'not-openable',
    message: `Cannot back up to ${full}: it holds notes, expected is an empty directory`,
  });
  const link = newDirectory();
  symlinkSync(directory, link);
  await assert.rejects(backUp(database, link), { message: /it is the data directory itself/ });
  await assert.rejects(backUp(database, join(full, 'notes')), {
    message: /^Cannot back up to .*notes: .*notes is no directory; expected is a directory/,
  });
  await database.close();
});

test('leaves nothing where the copy fails', async () => {
  const { database } = open();
  await database.close();
  const copy = newDirectory();
  await assert.rejects(backUp(database, copy), { code: 'not-openable', message: /it was closed/ });
  assert.deepEqual(readdirSync(copy), []);
});
