import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import type { Chunk } from './chunks.ts';
import { dataFile } from './data-directory.ts';
import { Database, type Transaction } from './database.ts';
import { Key, Tag } from './keys.ts';
import { newDirectory } from './testing/directory.ts';
import { decodeReferences, encodeReferences } from './values.ts';

const key = new Key();
const MAP_BYTES = 1024 ** 2;

function open(): Database {
  const directory = newDirectory();
  mkdirSync(directory);
  return new Database({ path: dataFile(directory), flush: false, mapBytes: MAP_BYTES });
}

function put(transaction: Transaction, body: number, count: number): void {
  transaction.put(key.numbered(Tag.bodyReferences, body), encodeReferences(transaction, count));
}

function get(database: Database, body: number): number | undefined {
  const value = database.get(key.numbered(Tag.bodyReferences, body));
  return value && decodeReferences(value);
}

test('keeps what was put, removed and put again, in order', async () => {
  const database = open();
  await database.transaction((transaction) => {
    for (let body = 1; body <= 5_000; body++) put(transaction, body, body * 2);
    transaction.remove(key.numbered(Tag.bodyReferences, 7));
    transaction.remove(key.numbered(Tag.bodyReferences, 8));
    put(transaction, 8, 1);
  });
  assert.deepEqual(
    [1, 7, 8, 5_000].map((body) => get(database, body)),
    [2, undefined, 1, 10_000],
  );
  const from = key.numbered(Tag.bodyReferences, 6).copy();
  const rows = [...database.range(from, key.numbered(Tag.bodyReferences, 10).copy())];
  assert.deepEqual(
    rows.map(({ value }) => decodeReferences(value)),
    [12, 1, 18],
  );
  await database.close();
});

test('grows beyond the map it began with, with values of every size', async () => {
  const database = open();
  const sizes = [0, 1, 2_000, 300_000, 3_000_000];
  for (let round = 0; round < 3; round++) {
    await database.transaction((transaction) => {
      for (const [index, size] of sizes.entries()) {
        const chunk: Chunk = transaction.room(size);
        chunk.start = chunk.used;
        chunk.bytes.fill(index + round, chunk.used, chunk.used + size);
        chunk.used += size;
        chunk.end = chunk.used;
        transaction.put(key.numbered(Tag.body, index), chunk);
      }
    });
    for (const [index, size] of sizes.entries())
      assert.deepEqual(database.get(key.numbered(Tag.body, index)), Buffer.alloc(size, index + round));
  }
  await database.close();
});

test('shows a snapshot as it was, whatever is written after it', async () => {
  const database = open();
  await database.transaction((transaction) => put(transaction, 1, 1));
  const snapshot = database.snapshot();
  await database.transaction((transaction) => put(transaction, 1, 2));
  const range = [key.numbered(Tag.bodyReferences, 0).copy(), key.numbered(Tag.bodyReferences, 9).copy()] as const;
  assert.deepEqual(
    [...snapshot.range(...range)].map(({ value }) => decodeReferences(value)),
    [1],
  );
  assert.equal(get(database, 1), 2);
  snapshot.close();
  await database.close();
});

test('fails for good when a transaction cannot be built, since a part of it was written', async () => {
  const database = open();
  const failing = database.transaction((transaction) => {
    put(transaction, 1, 1);
    throw new TypeError('ours');
  });
  await assert.rejects(failing, {
    code: 'commit-failed',
    message:
      /^Cannot write to .*data.mdb: ours \(\d+ bytes .* free\); make room or mend the device, then open it again: /,
  });
  assert.throws(() => database.transaction(() => undefined), { code: 'commit-failed' });
  assert.equal(database.failure?.code, 'commit-failed');
  await database.close();
});

test('writes what comes while a transaction is under way together, in order, when it is over', async () => {
  const database = open();
  const calls: string[] = [];
  const write = (count: number) =>
    database
      .transaction((transaction) => {
        calls.push(`build ${count}`);
        put(transaction, 1, count);
      })
      .then(() => calls.push(`done ${count}`));
  const written = [write(1), write(2), write(3)];
  assert.deepEqual([calls, database.inFlight], [['build 1'], 3]);
  await database.idle();
  await Promise.all(written);
  assert.deepEqual(calls, ['build 1', 'build 2', 'build 3', 'done 1', 'done 2', 'done 3']);
  assert.equal(get(database, 1), 3);
  await database.close();
});

test('writes nothing that came after a transaction that fails', async () => {
  const database = open();
  const failing = database.transaction(() => {
    throw new TypeError('ours');
  });
  let isBuilt = false;
  const behind = database.transaction(() => {
    isBuilt = true;
  });
  const [first, second] = await Promise.allSettled([failing, behind]);
  assert.equal(first.status === 'rejected' && first.reason.code, 'commit-failed');
  assert.deepEqual(second, first);
  assert.equal(isBuilt, false);
  await database.close();
});

test('waits for what is under way when it is closed, and refuses work afterwards', async () => {
  const database = open();
  let isDone = false;
  const written = database
    .transaction((transaction) => put(transaction, 1, 1))
    .then(() => {
      isDone = true;
    });
  assert.equal(database.inFlight, 1);
  await database.close();
  assert.ok(isDone);
  await written;
  await database.close();
  assert.throws(() => database.get(key.numbered(Tag.body, 1)), {
    code: 'closed',
    message: 'Cannot read from the store: it was closed',
  });
  assert.throws(() => database.transaction(() => undefined), { code: 'closed' });
});

test('says what it could not open', () => {
  const path = dataFile(newDirectory());
  mkdirSync(path, { recursive: true });
  assert.throws(() => new Database({ path, flush: true, mapBytes: MAP_BYTES }), {
    code: 'not-openable',
    message: new RegExp(`^Cannot open ${path}: `),
  });
});
