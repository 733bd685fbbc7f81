import assert from 'node:assert/strict';
import fs, {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { FORMAT_VERSION } from './format.ts';
import { writeMeta } from './meta.ts';
import { restoreBackup } from './restore.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { enqueue, message, putSession } from './testing/writes.ts';

const PAGE = 4_096;
/** Of the number of the last page in a meta page. */
const LAST_PAGE_AT = 24 + 120;

/** A closed store with so many sessions. */
async function storeOf(sessions: number): Promise<string> {
  const environment = await openEnvironment();
  await environment.store.commit(Array.from({ length: sessions }, (_, index) => putSession(index + 1)));
  if (sessions > 0) await environment.store.commit([enqueue(1, 1, message('a'))]);
  await environment.close();
  return environment.directory;
}

async function sessionsIn(directory: string): Promise<number> {
  const environment = await openEnvironment({ directory });
  const { sessions, problems } = await environment.check();
  await environment.close();
  assert.deepEqual(problems, []);
  return sessions;
}

test('restores into a directory that is not there yet, from one that may only be read', async () => {
  const from = await storeOf(2);
  chmodSync(dataFile(from), 0o444);
  const directory = newDirectory();
  const { report, former, fileBytes } = await restoreBackup({ from, directory, replace: false });
  assert.deepEqual([report.sessions, report.queued, former], [2, 1, undefined]);
  assert.equal(fileBytes, statSync(dataFile(from)).size);
  assert.deepEqual(readdirSync(directory), ['data.mdb']);
  assert.deepEqual([statSync(directory).mode & 0o777, statSync(dataFile(directory)).mode & 0o777], [0o700, 0o600]);
  assert.equal(await sessionsIn(directory), 2);
});

test('keeps a former store, and replaces one only where that is wanted', async () => {
  const from = await storeOf(2);
  const directory = await storeOf(3);
  await assert.rejects(restoreBackup({ from, directory, replace: false }), {
    code: 'store-exists',
    message: `Cannot restore into ${directory}: it holds a store already`,
  });
  assert.equal(await sessionsIn(directory), 3);
  const now = new Date('2026-02-03T04:05:06.789Z');
  const { former } = await restoreBackup({ from, directory, replace: true, now });
  assert.equal(former, join(directory, 'former-2026-02-03T04-05-06Z'));
  assert.equal(await sessionsIn(directory), 2);
  assert.equal(await sessionsIn(former), 3);
  // And back again.
  await restoreBackup({ from: former, directory, replace: true });
  assert.equal(await sessionsIn(directory), 3);
});

const isSuperuser = process.getuid?.() === 0;

test('the superuser restores for the owner of the directory', {
  skip: !isSuperuser && 'needs the superuser',
}, async () => {
  const [from, directory] = [await storeOf(1), await storeOf(2)];
  for (const path of [directory, dataFile(directory)]) chownSync(path, 65_534, 65_533);
  const { former = '' } = await restoreBackup({ from, directory, replace: true });
  for (const path of [dataFile(directory), former, dataFile(former)]) {
    const { uid, gid } = statSync(path);
    assert.deepEqual([uid, gid], [65_534, 65_533], path);
  }
});

test('refuses what is no store, is damaged, is newer or is open, and changes nothing', async () => {
  const directory = await storeOf(3);
  const before = readFileSync(dataFile(directory));
  const empty = newDirectory();
  await assert.rejects(restoreBackup({ from: empty, directory, replace: true }), { code: 'no-store' });
  mkdirSync(empty);
  writeFileSync(dataFile(empty), readFileSync(import.meta.filename));
  await assert.rejects(restoreBackup({ from: empty, directory, replace: true }), {
    code: 'damaged',
    message: new RegExp(
      `^Cannot restore ${empty}: Cannot open ${empty}.* do not begin as a file of LMDB does; take another backup$`,
    ),
  });
  const newer = await storeOf(0);
  const database = new Database({ path: dataFile(newer), flush: false, mapBytes: 1024 ** 2 });
  await writeMeta(database, 'format', FORMAT_VERSION + 1);
  await database.close();
  await assert.rejects(restoreBackup({ from: newer, directory, replace: true }), { code: 'newer-format' });
  const open = await openEnvironment();
  await assert.rejects(restoreBackup({ from: open.directory, directory, replace: true }), { code: 'locked' });
  const from = await storeOf(1);
  await assert.rejects(restoreBackup({ from, directory: open.directory, replace: true }), { code: 'locked' });
  assert.ok(readFileSync(dataFile(directory)).equals(before));
  assert.deepEqual(
    readdirSync(directory).filter((name) => !name.startsWith('data.mdb')),
    [],
  );
});

test('takes what a restore that was killed left away, and leaves nothing where it fails itself', async () => {
  const from = await storeOf(1);
  const directory = await storeOf(1);
  const leftover = join(directory, 'restoring-aB3xyz');
  mkdirSync(leftover);
  writeFileSync(dataFile(leftover), 'half');
  const names = ['data.mdb', 'data.mdb-lock'];
  await assert.rejects(restoreBackup({ from, directory, replace: false }), { code: 'store-exists' });
  assert.deepEqual(readdirSync(directory), names);
  const damaged = await storeOf(1);
  // Behind the meta pages, so that only the copy shows it.
  writeFileSync(dataFile(damaged), readFileSync(dataFile(damaged)).fill(0xff, 8_192));
  await assert.rejects(restoreBackup({ from: damaged, directory, replace: true }), { code: 'damaged' });
  assert.deepEqual(readdirSync(directory), names);
});

test('copies no more of a backup than its meta pages speak of', async () => {
  const from = await storeOf(2);
  const { size } = statSync(dataFile(from));
  // A hole: more than any file system here has room for.
  truncateSync(dataFile(from), 2 ** 43);
  const directory = newDirectory();
  const { fileBytes } = await restoreBackup({ from, directory, replace: false });
  assert.ok(fileBytes <= size);
  assert.equal(await sessionsIn(directory), 2);
});

test('looks for room before it copies', async () => {
  const from = await storeOf(1);
  const before = readFileSync(dataFile(from));
  const pages = 2 ** 31;
  // The greater of its two meta pages says that it has so many pages, and a hole stands for them.
  for (const page of [0, PAGE]) before.writeBigUInt64LE(BigInt(pages), page + LAST_PAGE_AT);
  writeFileSync(dataFile(from), before);
  truncateSync(dataFile(from), (pages + 1) * PAGE);
  const directory = newDirectory();
  await assert.rejects(restoreBackup({ from, directory, replace: false }), {
    code: 'not-openable',
    message:
      /^Cannot restore .* into .*: \d+ bytes of its file system are free, the backup needs 87\d+; make room there/,
  });
  assert.deepEqual(readdirSync(directory), []);
});

test('takes nothing from the unfinished copy of another restore, and leaves what only has a name like it', async () => {
  const directory = await storeOf(1);
  const own = join(directory, 'restoring-of-monday');
  renameSync(await storeOf(2), own);
  const leftover = join(directory, 'restoring-aB3xyz');
  renameSync(await storeOf(3), leftover);
  const link = newDirectory();
  symlinkSync(leftover, link);
  for (const from of [leftover, link])
    await assert.rejects(restoreBackup({ from, directory, replace: true }), {
      code: 'no-store',
      message: `Cannot restore ${from}: it lies in ${leftover}, the unfinished copy of another restore; a backup is expected`,
    });
  assert.ok(existsSync(dataFile(leftover)));
  await restoreBackup({ from: own, directory, replace: true });
  assert.deepEqual([existsSync(own), existsSync(leftover)], [true, false]);
  assert.equal(await sessionsIn(directory), 2);
});

test('refuses a backup that a process writes to while it is copied', async () => {
  const from = await storeOf(1);
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  const watcher = watch(directory, () => {
    const copy = readdirSync(directory).find((name) => name.startsWith('restoring-'));
    if (copy === undefined) return;
    watcher.close();
    const bytes = readFileSync(dataFile(from));
    // The number of the last transaction, in both meta pages.
    for (const page of [0, PAGE]) bytes.writeBigUInt64LE(99n, page + LAST_PAGE_AT + 8);
    writeFileSync(dataFile(from), bytes);
  });
  await assert.rejects(restoreBackup({ from, directory, replace: false }), { code: 'locked', message: /meanwhile/ });
  assert.deepEqual(readdirSync(directory), []);
});

test('keeps each former store where two restores come within a second, and leaves nothing where one fails late', async () => {
  const [from, directory] = [await storeOf(1), await storeOf(2)];
  const options = { from, directory, replace: true, now: new Date('2026-02-03T04:05:06.789Z') };
  const first = await restoreBackup(options);
  const second = await restoreBackup(options);
  assert.equal(second.former, `${first.former}-2`);
  const before = readdirSync(directory);
  // As on a file system without hard links.
  const link = mock.method(fs, 'linkSync', () => {
    throw new Error('EPERM: operation not permitted');
  });
  syncBuiltinESMExports();
  try {
    await assert.rejects(restoreBackup(options), { code: 'not-openable', message: /EPERM/ });
  } finally {
    link.mock.restore();
    syncBuiltinESMExports();
  }
  assert.deepEqual(readdirSync(directory), before);
});
