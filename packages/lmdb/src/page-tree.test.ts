import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { dataFile } from './data-directory.ts';
import { damagedPage, readMetas } from './page-tree.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { dequeue, enqueue, message, putSession } from './testing/writes.ts';

const PAGE = 4_096;
const SESSIONS = 40;

/** A file with branches, leaves, values of several pages and free pages. */
async function sample(): Promise<{ directory: string; path: string; whole: Buffer }> {
  const { directory, store, close } = await opened(newDirectory());
  const numbers = Array.from({ length: SESSIONS }, (_, index) => index + 1);
  await store.commit(numbers.map((number) => putSession(number)));
  for (let position = 1; position <= 20; position++)
    await store.commit(
      numbers.map((number) => enqueue(number, position, message('a', 'x'.repeat(position % 10 === 0 ? 9_000 : 100)))),
    );
  for (const number of numbers.filter((one) => one % 3 === 0))
    await store.commit([1, 2, 3, 4, 5].map((position) => dequeue(number, position, message('a', 'x'.repeat(100)))));
  await close();
  return { directory, path: dataFile(directory), whole: readFileSync(dataFile(directory)) };
}

async function opened(directory: string) {
  const environment = await openEnvironment({ directory });
  return { directory, store: environment.store, close: () => environment.close(), check: () => environment.check() };
}

test('finds nothing wrong with a sound file, and reads what its meta pages say', async () => {
  const { path, whole } = await sample();
  assert.equal(await damagedPage(path), undefined);
  const metas = readMetas(path);
  assert.equal(metas.length, 2);
  for (const { pageSize, lastPage } of metas) assert.ok(pageSize === PAGE && (lastPage + 1) * PAGE >= whole.length);
  assert.equal(Math.abs(metas[0].transaction - metas[1].transaction), 1);
});

test('finds each page that was overwritten, of those in use', async () => {
  const { path, whole } = await sample();
  let damaged = 0;
  for (let page = 2; page < whole.length / PAGE; page++) {
    const changed = Buffer.from(whole);
    changed.fill(0, page * PAGE, (page + 1) * PAGE);
    writeFileSync(path, changed);
    if ((await damagedPage(path)) !== undefined) damaged += 1;
  }
  const metas = readMetas(path).sort((a, b) => b.transaction - a.transaction);
  assert.ok(damaged > 30, `${damaged} of ${metas[0].lastPage} pages`);
});

test('finds that a large value goes beyond the end of a file that was cut short', async () => {
  const { directory, store, close } = await opened(newDirectory());
  await store.commit([putSession(1)]);
  for (let position = 1; position < 10; position++) await store.commit([enqueue(1, position, message('a'))]);
  await store.commit([enqueue(1, 10, message('a', Buffer.alloc(100_000, 1)))]);
  for (let position = 11; position < 20; position++) await store.commit([enqueue(1, position, message('a'))]);
  await close();
  const path = dataFile(directory);
  writeFileSync(path, readFileSync(path).subarray(0, -PAGE));
  const expected = /damaged \(a value of page \d+ goes beyond the end of the file\); restore a backup$/;
  // Not forgotten by the attempt.
  for (let round = 0; round < 2; round++) await assert.rejects(openEnvironment({ directory }), { message: expected });
});

test('says of a damaged page what it is, where LMDB would end the process', async () => {
  const { directory, path, whole } = await sample();
  const { trees } = readMetas(path).sort((a, b) => b.transaction - a.transaction)[0];
  const root = trees[1].root as number;
  const changed = Buffer.from(whole);
  changed.fill(0, root * PAGE, (root + 1) * PAGE);
  writeFileSync(path, changed);
  await assert.rejects(openEnvironment({ directory }), {
    code: 'damaged',
    message: `Cannot open ${path}: it is damaged (page ${root} says that it is page 0); restore a backup`,
  });
  // One that opening does not come by: in the middle of the root.
  const nodes = whole.readUInt16LE(root * PAGE + 20) / 2;
  const node = root * PAGE + 24 + whole.readUInt16LE(root * PAGE + 24 + 2 * (nodes >> 1));
  const leaf = whole.readUInt32LE(node);
  const other = Buffer.from(whole);
  other.writeUInt16LE(4, leaf * PAGE + 18);
  writeFileSync(path, other);
  const environment = await opened(directory);
  assert.match((await environment.check()).problems.join(), new RegExp(`page ${leaf} is of kind 4, expected is \\d`));
  await environment.close();
});

test('finds pages of a later transaction, where a power cut kept them and dropped the meta pages', async () => {
  const { directory, path, whole } = await sample();
  const { store, close } = await opened(directory);
  for (let position = 21; position <= 30; position++)
    await store.commit([enqueue(1, position, message('a', 'x'.repeat(100)))]);
  await close();
  const later = readFileSync(path);
  whole.copy(later, 0, 0, 2 * PAGE);
  writeFileSync(path, later);
  assert.match((await damagedPage(path)) ?? '', /^page \d+ is of transaction \d+, the last one is \d+$/);
  await assert.rejects(openEnvironment({ directory }), { code: 'damaged' });
});
