import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { FORMAT_VERSION } from './format.ts';
import { assertStore, backUpClosed, checkClosed, statsOfClosed } from './inspection.ts';
import { writeMeta } from './meta.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { enqueue, message, putSession } from './testing/writes.ts';

/** A closed store with one session and a queue. */
async function closed(): Promise<string> {
  const environment = await openEnvironment();
  const queue = Array.from({ length: 900 }, (_, index) => enqueue(1, index + 1, message('a', 'x'.repeat(300))));
  await environment.store.commit([putSession(1), ...queue]);
  await environment.close();
  return environment.directory;
}

test('checks, measures and copies a closed store, of which no byte changes', async () => {
  const directory = await closed();
  const before = readFileSync(dataFile(directory));
  const copy = newDirectory();
  const report = await checkClosed(directory);
  assert.deepEqual([report.sessions, report.queued, report.problems], [1, 900, []]);
  const stats = await statsOfClosed(directory);
  assert.equal(stats.fileBytes, before.length);
  assert.ok(stats.keys > 900 && stats.freeBytes > 0 && stats.reusableBytes >= 0);
  assert.deepEqual([stats.sessionsToSweep, stats.sweepFailure], [0, undefined]);
  await backUpClosed(directory, copy);
  assert.ok(readFileSync(dataFile(directory)).equals(before));
  assert.deepEqual(await checkClosed(copy), report);
  assert.equal((await statsOfClosed(copy)).reusableBytes, 0);
  assert.deepEqual(readdirSync(directory), ['data.mdb', 'data.mdb-lock']);
  assert.deepEqual(readdirSync(copy), ['data.mdb']);
});

test('refuses what is no store, and makes nothing there', async () => {
  const nothing = newDirectory();
  const expected = {
    code: 'no-store',
    message: `Cannot open ${nothing}: there is no store in it, expected is a file data.mdb with a store`,
  };
  await assert.rejects(checkClosed(nothing), expected);
  mkdirSync(nothing);
  for (const act of [checkClosed, statsOfClosed]) await assert.rejects(act(nothing), expected);
  assert.deepEqual(readdirSync(nothing), []);
  writeFileSync(dataFile(nothing), '');
  assert.throws(() => assertStore(nothing), { code: 'no-store', message: /its data\.mdb has 0 bytes, expected/ });
});

test('says what is wrong with a path that cannot be a data directory', async () => {
  const file = newDirectory();
  writeFileSync(file, '');
  for (const path of [file, join(file, 'below')])
    await assert.rejects(statsOfClosed(path), {
      code: 'not-openable',
      message: `Cannot open ${path}: ${file} is no directory; expected is a directory, or a path at which nothing is yet`,
    });
  await assert.rejects(checkClosed('n'.repeat(300)), {
    code: 'not-openable',
    message: /is too long for the file system/,
  });
});

test('follows no symbolic link in place of a store', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  symlinkSync(dataFile(await closed()), dataFile(directory));
  await assert.rejects(checkClosed(directory), { code: 'no-store' });
});

test('refuses a store that is open, and one of a newer format', async () => {
  const environment = await openEnvironment();
  const { directory } = environment;
  await assert.rejects(checkClosed(directory), { code: 'locked' });
  await environment.close();
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 });
  await writeMeta(database, 'format', FORMAT_VERSION + 1);
  await database.close();
  for (const act of [checkClosed, statsOfClosed]) await assert.rejects(act(directory), { code: 'newer-format' });
});

test('what keeps a store from being opened is a problem to a check, again and again', async () => {
  const directory = await closed();
  const whole = readFileSync(dataFile(directory));
  for (const bytes of [100, 16_384, whole.length >> 1, whole.length - 8_192]) {
    writeFileSync(dataFile(directory), whole);
    truncateSync(dataFile(directory), bytes);
    for (let round = 0; round < 2; round++) assert.equal((await checkClosed(directory)).problems.length, 1);
    assert.equal(readFileSync(dataFile(directory)).length, bytes);
    await assert.rejects(backUpClosed(directory, newDirectory()), { code: 'damaged' });
  }
  writeFileSync(dataFile(directory), readFileSync(import.meta.filename));
  assert.match((await checkClosed(directory)).problems[0], /do(es)? not begin as a file of LMDB/);
});
