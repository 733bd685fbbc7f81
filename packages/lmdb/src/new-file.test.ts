import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { flushNames, makeDataFile } from './new-file.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { enqueue, message, putSession } from './testing/writes.ts';

/** The path of a data file in a directory that is there. */
function newPath(): string {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  return dataFile(directory);
}

test('makes a file that LMDB opens, with what it begins with, and nothing beside it', async () => {
  const path = newPath();
  let initialized = 0;
  await makeDataFile(path, async () => {
    initialized += 1;
  });
  assert.deepEqual([initialized, readdirSync(dirname(path))], [1, ['data.mdb']]);
  const environment = await openEnvironment({ directory: dirname(path) });
  assert.deepEqual((await environment.check()).problems, []);
});

test('leaves a store alone that is there, whatever was left beside it', async () => {
  const first = await openEnvironment();
  await first.store.commit([putSession(1), enqueue(1, 1, message('a'))]);
  await first.close();
  writeFileSync(join(first.directory, 'data.mdb.new'), 'torn');
  const second = await openEnvironment({ directory: first.directory });
  assert.equal((await second.check()).queued, 1);
  assert.equal(readdirSync(first.directory).includes('data.mdb.new'), false);
});

test('begins again where a power cut left a torn file under the other name, or an empty one under its own', async () => {
  const path = newPath();
  writeFileSync(`${path}.new`, Buffer.alloc(5_000, 7));
  writeFileSync(`${path}.new-lock`, Buffer.alloc(5_000, 7));
  writeFileSync(path, '', { mode: 0o600 });
  const environment = await openEnvironment({ directory: dirname(path) });
  assert.deepEqual((await environment.check()).problems, []);
});

test('leaves nothing where it cannot be initialized', async () => {
  const path = newPath();
  const refuses = makeDataFile(path, async () => {
    throw new Error('refused');
  });
  await assert.rejects(refuses, /refused/);
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('flushes the names of a directory that is there', () => {
  const path = newPath();
  flushNames(dirname(path));
  assert.throws(() => flushNames(path), { code: 'ENOENT' });
});
