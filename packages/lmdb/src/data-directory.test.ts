import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkDataFile, dataFile, freeBytes, prepareDirectory } from './data-directory.ts';
import type { LmdbEnvironment } from './environment.ts';
import { ownUser } from './file-rights.ts';
import { damagedPage } from './page-tree.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { dequeue, enqueue, message, putSession } from './testing/writes.ts';

const PAGE = 4_096;
/** A user who owns nothing here. */
const NOBODY = 65_534;
const isSuperuser = process.getuid?.() === 0;

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
    message: `Cannot use ${path} as data directory: ${path} is no directory; expected is a directory, or a path at which nothing is yet`,
  });
  assert.throws(() => prepareDirectory(join(path, 'below')), {
    code: 'not-openable',
    message: /data is no directory;/,
  });
  assert.throws(() => prepareDirectory(join(newDirectory(), 'n'.repeat(300))), {
    code: 'not-openable',
    message: /: the path, or a name in it, is too long for the file system; expected is a shorter one$/,
  });
});

test('refuses a directory that others may write to, and one of another user', {
  skip: ownUser() === undefined,
}, async () => {
  const { directory } = await closed();
  for (const mode of [0o777, 0o2775, 0o770]) {
    chmodSync(directory, mode);
    await assert.rejects(openEnvironment({ directory }), {
      code: 'not-openable',
      message: new RegExp(
        `others may write to .*, its mode ${mode.toString(8).padStart(4, '0')},.*: chmod go-w ${directory}$`,
      ),
    });
  }
  chmodSync(directory, 0o750);
  await (await openEnvironment({ directory })).close();
  chmodSync(dataFile(directory), 0o660);
  await assert.rejects(openEnvironment({ directory }), { message: /others may write to .*data\.mdb: .* mode 0660/ });
  chmodSync(dataFile(directory), 0o600);
  if (!isSuperuser) return;
  chownSync(directory, NOBODY, NOBODY);
  await assert.rejects(openEnvironment({ directory }), {
    code: 'not-openable',
    message:
      /belongs to somebody else: its owner is the user 65534, its mode 0750, this process runs as root; run it as/,
  });
  prepareDirectory(directory, [NOBODY]);
});

test('names the reason of the system where a directory cannot be made', { skip: !existsSync('/proc/self') }, () => {
  // Where Node's own recursive mkdir loops for ever.
  assert.throws(() => prepareDirectory('/proc/dunlin/data'), {
    code: 'not-openable',
    message: /mkdir '\/proc\/dunlin'/,
  });
});

test('measures what is free', async () => {
  const path = newDirectory();
  mkdirSync(path);
  assert.ok((await freeBytes(path)) > 0);
});

test('refuses a file that lacks pages in use, each time, and leaves it as it is', async () => {
  const { directory } = await closed();
  const path = dataFile(directory);
  await checkDataFile(path);
  truncateSync(path, 12_288);
  for (let round = 0; round < 2; round++)
    await assert.rejects(checkDataFile(path), {
      code: 'damaged',
      message: /it is damaged \(page \d+ is beyond the end of the file\); restore a backup$/,
    });
  assert.equal(statSync(path).size, 12_288);
  await checkDataFile(join(directory, 'none'));
});

test('makes a file as long as it says it is, where nothing leads to what is missing', async () => {
  const environment = await openEnvironment();
  const { directory, store } = environment;
  const large = message('a', Buffer.alloc(100_000, 1));
  await store.commit([putSession(1), enqueue(1, 1, large)]);
  await store.commit([dequeue(1, 1, large)]);
  await environment.close();
  const path = dataFile(directory);
  const whole = readFileSync(path);
  let bytes = whole.length;
  for (; (await damagedPage(path)) === undefined; bytes -= PAGE) truncateSync(path, bytes - PAGE);
  bytes += PAGE;
  assert.ok(bytes < whole.length);
  writeFileSync(path, whole.subarray(0, bytes));
  await checkDataFile(path);
  assert.equal(statSync(path).size, whole.length);
  const again = await openEnvironment({ directory });
  assert.deepEqual((await again.check()).problems, []);
});

/** A data directory that was open. */
async function closed(): Promise<LmdbEnvironment> {
  const environment = await openEnvironment();
  await environment.close();
  return environment;
}

/** Tries to open as a user who may not write everywhere; the superuser may. */
function openAsOther(directory: string): string {
  const source = `
    const { openLmdb } = await import(${JSON.stringify(new URL('environment.ts', import.meta.url).href)});
    const opened = await openLmdb({ directory: ${JSON.stringify(directory)}, durability: 'durable' }).catch((error) => error);
    console.log(opened.code, opened.message);
    await opened.close?.();`;
  const flags = ['--conditions=@dunlin/source', '--input-type=module', '-e', source];
  const user = isSuperuser ? { uid: NOBODY, gid: NOBODY } : {};
  return spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 30_000, ...user }).stdout;
}

test('says that a directory may only be read', async () => {
  const { directory } = await closed();
  chmodSync(dirname(directory), 0o755);
  chmodSync(directory, 0o555);
  assert.match(
    openAsOther(directory),
    /^not-openable Cannot use .* as data directory: permission denied at .*: its owner is .*, its mode 0555, this process runs as the user \d+; (chmod u\+rwX|.*sudo chown -R \d+) \S+\n$/,
  );
});

test('says that a file may only be read, or is none', async () => {
  const { directory } = await closed();
  chmodSync(dirname(directory), 0o755);
  if (isSuperuser) chownSync(directory, NOBODY, NOBODY);
  chmodSync(dataFile(directory), 0o444);
  assert.match(
    openAsOther(directory),
    /^not-openable Cannot use .*: permission denied at .*data\.mdb: its owner is .*, its mode 0444, .*\n$/,
  );
  if (isSuperuser) chownSync(directory, 0, 0);
  rmSync(dataFile(directory));
  mkdirSync(dataFile(directory));
  await assert.rejects(openEnvironment({ directory }), {
    code: 'not-openable',
    message: /data\.mdb is no file; it must be a file that/,
  });
});

test('writes through no symbolic link that lies in place of its files', async () => {
  for (const name of ['data.mdb', 'data.mdb-lock']) {
    const directory = newDirectory();
    mkdirSync(directory, { mode: 0o700 });
    const precious = newDirectory();
    writeFileSync(precious, 'precious');
    symlinkSync(precious, join(directory, name));
    await assert.rejects(openEnvironment({ directory }), {
      code: 'not-openable',
      message: /is no file/,
    });
    assert.equal(readFileSync(precious, 'utf8'), 'precious');
  }
});

test('refuses a file whose meta pages say what cannot be', async () => {
  const { directory } = await closed();
  const path = dataFile(directory);
  const whole = readFileSync(path);
  for (const [bytes, expected] of [
    [Buffer.alloc(8, 0x7f), /it says that it has [\d.e+]+ bytes, there are \d+; restore a backup/],
    [Buffer.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0), /it says that it has \d+ bytes/],
  ] as const) {
    const changed = Buffer.from(whole);
    for (const page of [0, 4_096]) changed.set(bytes, page + 24 + 120);
    writeFileSync(path, changed);
    await assert.rejects(openEnvironment({ directory }), { code: 'damaged', message: expected });
    assert.equal(statSync(path).size, whole.length);
  }
  const changed = Buffer.from(whole);
  for (const page of [0, 4_096]) changed.fill(0, page + 24 + 24, page + 24 + 28);
  writeFileSync(path, changed);
  await assert.rejects(openEnvironment({ directory }), { code: 'damaged', message: /do not begin as a file of LMDB/ });
});

test('takes an empty file for a new store only where nothing else is there', async () => {
  const directory = newDirectory();
  mkdirSync(directory, { mode: 0o700 });
  writeFileSync(dataFile(directory), '', { mode: 0o600 });
  await (await openEnvironment({ directory })).close();
  truncateSync(dataFile(directory), 0);
  for (let round = 0; round < 2; round++)
    await assert.rejects(openEnvironment({ directory }), {
      code: 'damaged',
      message: `Cannot open ${dataFile(directory)}: it has 0 bytes, and beside it is data.mdb-lock of an earlier store; restore a backup`,
    });
  assert.equal(statSync(dataFile(directory)).size, 0);
});

test('refuses a file that is none of LMDB', async () => {
  const path = newDirectory();
  writeFileSync(path, readFileSync(import.meta.filename));
  await assert.rejects(checkDataFile(path), { code: 'damaged', message: /do not begin as a file of LMDB does/ });
});
