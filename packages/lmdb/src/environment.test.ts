import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Chunk } from './chunks.ts';
import { dataFile } from './data-directory.ts';
import { Database } from './database.ts';
import { openLmdb } from './environment.ts';
import { FORMAT_VERSION } from './format.ts';
import { checkClosed } from './inspection.ts';
import { Key, SessionPart, Tag } from './keys.ts';
import { readMeta } from './meta.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { enqueue, everything, message, putSession } from './testing/writes.ts';
import { encodePresence, encodeWill } from './values.ts';

const MAP_BYTES = 1024 ** 2;

/** Writes a value behind the back of the environment. */
async function overwrite(directory: string, key: Key, value: Uint8Array): Promise<void> {
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: MAP_BYTES });
  await database.transaction((transaction) => {
    const chunk = transaction.room(value.length);
    chunk.bytes.set(value, chunk.used);
    chunk.start = chunk.used;
    chunk.used += value.length;
    chunk.end = chunk.used;
    transaction.put(key, chunk);
  });
  await database.close();
}

function setMeta(directory: string, name: string, item: unknown): Promise<void> {
  return overwrite(directory, new Key().meta(name), Buffer.from(JSON.stringify(item)));
}

/** Overwrites the value of an entry's key, so that no decoder can read it. */
function damage(directory: string, session: number, position: number): Promise<void> {
  return overwrite(directory, new Key().queueEntry(session, position), Buffer.of(1, 0, 9));
}

test('makes files for their owner alone', async () => {
  const { directory } = await openEnvironment();
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  for (const file of readdirSync(directory)) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
});

test('refuses a directory that is open, and frees it when opening fails', async () => {
  const environment = await openEnvironment();
  const { directory } = environment;
  await assert.rejects(openEnvironment({ directory }), { code: 'locked' });
  await environment.close();
  await environment.close();
  await setMeta(directory, 'format', FORMAT_VERSION + 1);
  const newer = /it has format 5, this program knows formats up to 4; use a newer program/;
  await assert.rejects(openEnvironment({ directory }), { code: 'newer-format', message: newer });
  await assert.rejects(openEnvironment({ directory }), { code: 'newer-format' });
  await setMeta(directory, 'format', FORMAT_VERSION);
  await (await openEnvironment({ directory })).close();
});

test('checks a store that was not flushed when the machine went down, and only that', async () => {
  const first = await openEnvironment({ bootId: 'boot 1' });
  const { directory } = first;
  await first.store.commit([putSession(1), enqueue(1, 1, message('a'))]);
  await first.close();
  await damage(directory, 1, 1);
  // It ended well, so nobody looks.
  await (await openEnvironment({ directory, bootId: 'boot 2' })).close();
  const wasOpen = { durability: 'process', bootId: 'boot 2', isClean: false };
  await setMeta(directory, 'run', wasOpen);
  const expected = {
    code: 'damaged',
    message:
      /^Cannot open .*data\.mdb: the machine went down before all was flushed, .*queue of session 1 .*restore a backup/,
  };
  await assert.rejects(openEnvironment({ directory, bootId: 'boot 3' }), expected);
  // Not forgotten by the attempt.
  await assert.rejects(openEnvironment({ directory, bootId: 'boot 3' }), expected);
  const same = await openEnvironment({ directory, bootId: 'boot 2' });
  assert.throws(() => same.store.queue(1, 0, 10), { code: 'damaged' });
  await same.close();
  await setMeta(directory, 'run', { ...wasOpen, durability: 'durable' });
  await (await openEnvironment({ directory, bootId: 'boot 3' })).close();
});

test('refuses a file that was cut short, and one that is something else', async () => {
  const first = await openEnvironment();
  const { directory } = first;
  await first.store.commit([
    putSession(1),
    ...Array.from({ length: 900 }, (_, n) => enqueue(1, n + 1, message('a', 'x'.repeat(300)))),
  ]);
  await first.close();
  const whole = readFileSync(dataFile(directory));
  for (const bytes of [16_384, 65_536, whole.length - 8_192]) {
    writeFileSync(dataFile(directory), whole);
    truncateSync(dataFile(directory), bytes);
    await assert.rejects(openEnvironment({ directory }), (error: Error) =>
      /^Cannot .*(damaged|MDB_)/.test(error.message),
    );
  }
  writeFileSync(dataFile(directory), Buffer.alloc(20_000, 7));
  await assert.rejects(openEnvironment({ directory }), { code: 'damaged', message: /do not begin as a file of LMDB/ });
});

test('backs up while it is open, into a directory that can be opened', async () => {
  const environment = await openEnvironment();
  await environment.store.commit([putSession(1), enqueue(1, 1, message('a', 'kept'))]);
  const copy = newDirectory();
  await environment.backup(copy);
  await environment.store.commit([enqueue(1, 2, message('a', 'later'))]);
  assert.equal(statSync(dataFile(copy)).mode & 0o777, 0o600);
  const restored = await openEnvironment({ directory: copy });
  assert.deepEqual(
    (await restored.store.queue(1, 0, 9)).map((found) => String(found.message.payload)),
    ['kept'],
  );
  assert.deepEqual((await restored.check()).problems, []);
  await assert.rejects(environment.backup(copy), { code: 'not-openable', message: /expected is an empty directory/ });
});

test('refuses a backup onto itself, and leaves nothing behind where one fails', async () => {
  const environment = await openEnvironment();
  const { directory } = environment;
  await assert.rejects(environment.backup(directory), {
    code: 'not-openable',
    message: `Cannot back up to ${directory}: it is the data directory itself, expected is another one`,
  });
  await assert.rejects(environment.backup(join(dataFile(directory), 'below')), { code: 'not-openable' });
});

test('ends a check and finishes a backup before it closes', async () => {
  const environment = await openEnvironment();
  const { store } = environment;
  const large = () => message('a', 'x'.repeat(3_000));
  await store.commit([
    ...Array.from({ length: 3_000 }, (_, index) => putSession(index + 1)),
    ...Array.from({ length: 3_000 }, (_, index) => enqueue(1, index + 1, large())),
  ]);
  const copy = newDirectory();
  const backup = environment.backup(copy);
  const check = assert.rejects(environment.check(), { code: 'closed', message: /the store is being closed/ });
  await environment.close();
  await Promise.all([backup, check]);
  const restored = await openEnvironment({ directory: copy });
  assert.deepEqual((await restored.check()).problems, []);
});

test('grows beyond the map it began with, in one batch and in many, also after it was opened again', async () => {
  const environment = await openEnvironment({ mapBytes: MAP_BYTES });
  const { directory, store } = environment;
  const large = Buffer.alloc(100_000, 1);
  const puts = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => enqueue(1, from + index, message('a', large)));
  await store.commit([putSession(1), ...puts(1, 101)]);
  for (let position = 101; position <= 150; position++) await store.commit(puts(position, position + 1));
  assert.ok((await environment.stats()).fileBytes > 10 * MAP_BYTES);
  await environment.close();
  const again = await openEnvironment({ directory, mapBytes: MAP_BYTES });
  await again.store.commit(puts(151, 201));
  const report = await again.check();
  assert.deepEqual([report.queued, report.problems], [200, []]);
});

test('tells what it holds', async () => {
  const environment = await openEnvironment();
  const before = await environment.stats();
  await environment.store.commit([putSession(1), enqueue(1, 1, message('a'))]);
  const after = await environment.stats();
  assert.equal(after.keys, before.keys + 3);
  assert.ok(after.fileBytes > 0 && after.freeBytes > 0 && after.reusableBytes >= 0);
  assert.deepEqual([after.sessionsToSweep, after.sweepFailure], [0, undefined]);
  assert.equal((await environment.freeBytes()) > 0, true);
});

test('opens a table once', async () => {
  const environment = await openEnvironment();
  const table = environment.table({ name: 'users', indexes: {} });
  assert.throws(() => environment.table({ name: 'users', indexes: {} }), RangeError);
  assert.throws(() => environment.table({ name: 'Users', indexes: {} }), RangeError);
  await table.close();
  environment.table({ name: 'users', indexes: {} });
});

test('joins the commits of store and tables', async () => {
  const environment = await openEnvironment();
  const table = environment.table<string>({ name: 'users', indexes: {} });
  await Promise.all([environment.store.commit([putSession(1)]), table.put('a', 'x'), table.put('b', 'y')]);
  const { directory } = environment;
  await environment.close();
  const again = await openLmdb({ directory, durability: 'durable' });
  assert.equal((await everything(again.store.sessions())).length, 1);
  assert.equal((await again.table<string>({ name: 'users', indexes: {} }).get('b'))?.value, 'y');
  await again.close();
  assert.deepEqual(readdirSync(directory).sort(), ['data.mdb', 'data.mdb-lock']);
});

test('measures nothing any more where it was closed, and goes on with what was asked before', async () => {
  const environment = await openEnvironment();
  const asked = environment.store.freeBytes();
  await environment.close();
  assert.ok((await asked) > 0);
  for (const measure of [() => environment.freeBytes(), async () => environment.store.freeBytes()])
    await assert.rejects(measure, { code: 'closed' });
});

test('tells that it can remove no more of what a deleted session left', async () => {
  const first = await openEnvironment();
  const large = message('a', 'x'.repeat(5_000));
  await first.store.commit([putSession(1), putSession(2), enqueue(1, 1, large), enqueue(2, 1, large)]);
  await first.close();
  const { directory } = first;
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: MAP_BYTES });
  await database.transaction((transaction) => {
    transaction.put(new Key().numbered(Tag.bodyReferences, large.storeTag), encodePresence(transaction));
    transaction.put(new Key().numbered(Tag.garbage, 1), encodePresence(transaction));
  });
  await database.close();
  const told: unknown[] = [];
  const environment = await openEnvironment({ directory, sweepFailed: (error) => told.push(error) });
  await environment.swept();
  assert.equal(told.length, 1);
  assert.equal((await environment.stats()).sweepFailure, String(told[0]));
  await environment.close();
});

/** A session record as format 1 had it. */
function sessionOfFormat1(clientId: string, username: string | undefined): Buffer {
  const head = Buffer.alloc(14);
  head[0] = 1;
  head.writeUInt32BE(60, 1);
  head.writeDoubleBE(1e12, 5);
  head[13] = username === undefined ? 0 : username.length + 1;
  return Buffer.concat([head, Buffer.from(`${username ?? ''}${clientId}`)]);
}

test('opens a store of format 1, which nobody but it can open then: all that is queued in it may have been sent', async () => {
  const former = await openEnvironment();
  const { directory } = former;
  await former.store.commit([putSession(1), putSession(2), enqueue(1, 7, message('t')), enqueue(1, 9, message('t'))]);
  await former.close();
  await overwrite(directory, new Key().sessionPart(1, SessionPart.record), sessionOfFormat1('client-1', 'ada'));
  await overwrite(directory, new Key().sessionPart(2, SessionPart.record), sessionOfFormat1('client-2', undefined));
  await setMeta(directory, 'format', 1);
  // Looked at without a change.
  assert.deepEqual((await checkClosed(directory)).problems, []);

  const environment = await openEnvironment({ directory });
  const records = async () => (await everything(environment.store.sessions())).map(({ record }) => record);
  const common = { identity: undefined, sessionExpiryInterval: 60, expiresAtMs: 1e12 };
  const [first, second] = await records();
  assert.deepEqual(first, { ...common, number: 1, clientId: 'client-1', username: 'ada', sentUpTo: 9 });
  assert.deepEqual(second, { ...common, number: 2, clientId: 'client-2', username: undefined, sentUpTo: 0 });
  assert.deepEqual((await environment.check()).problems, []);
  await environment.store.commit([{ op: 'putSession', session: { ...first, sentUpTo: 8 } }]);
  assert.deepEqual((await records())[0], { ...first, sentUpTo: 8 });
  await environment.close();
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: MAP_BYTES });
  assert.equal(readMeta(database, 'format'), FORMAT_VERSION);
  await database.close();
});

test('reads the wills of format 2, which do not say who left them', async () => {
  const former = await openEnvironment();
  const { directory } = former;
  const will = { message: message('w'), delayInterval: 5, messageExpiryInterval: 9, dueAtMs: 0, owner: undefined };
  await former.store.commit([putSession(1), { op: 'putWill', session: 1, will: { ...will, owner: '{}' } }]);
  await former.close();
  const values = { room: (bytes: number) => new Chunk(bytes) };
  const { bytes, start, end } = encodeWill(values, will);
  await overwrite(directory, new Key().sessionPart(1, SessionPart.will), bytes.subarray(start, end));
  await setMeta(directory, 'format', 2);
  assert.deepEqual((await checkClosed(directory)).problems, []);

  const environment = await openEnvironment({ directory });
  const [stored] = await everything(environment.store.sessions());
  assert.deepEqual({ ...stored.will, message: undefined }, { ...will, message: undefined });
  await environment.store.commit([{ op: 'putWill', session: 1, will: { ...will, owner: '{"username":"ada"}' } }]);
  assert.equal((await everything(environment.store.sessions()))[0].will?.owner, '{"username":"ada"}');
  await environment.close();
});
