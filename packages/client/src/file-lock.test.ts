import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { FileLock } from './file-lock.ts';
import { outboxPath } from './testing/outbox-files.ts';

const PATIENCE_MS = 60_000;

/** A socket as a killed process leaves it. */
async function leftBehind(path: string): Promise<void> {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(`${path}.bound`, resolve));
  linkSync(`${path}.bound`, `${path}.lock-1-00000000dead`);
  await new Promise((resolve) => dead.close(resolve));
}

test('one has the lock, under a socket that only its user may ask, and leaves nothing behind', async () => {
  const path = outboxPath();
  const lock = await FileLock.acquire(path, 0);
  const [name, ...rest] = readdirSync(dirname(path));
  assert.match(name, new RegExp(`^outbox\\.lock-${process.pid}-[0-9a-f]{12}$`));
  assert.deepEqual(rest, []);
  assert.equal(statSync(join(dirname(path), name)).mode & 0o777, 0o600);
  await assert.rejects(FileLock.acquire(path, 0), { code: 'held' });
  // Another file of the same directory, whose name begins alike.
  await (await FileLock.acquire(`${path}.lock`, 0)).release();
  await lock.release();
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('of many that come at once each has it once and alone, also where a dead one left its lock', async () => {
  const path = outboxPath();
  await leftBehind(path);
  let owners = 0;
  const come = async () => {
    const lock = await FileLock.acquire(path, PATIENCE_MS);
    owners += 1;
    assert.equal(owners, 1);
    await new Promise((resolve) => setImmediate(resolve));
    owners -= 1;
    await lock.release();
  };
  await Promise.all(Array.from({ length: 12 }, come));
  assert.deepEqual(readdirSync(dirname(path)), []);
});

test('a file that only looks like a lock is left alone', async () => {
  const path = outboxPath();
  writeFileSync(`${path}.lock-notes`, 'mine');
  await (await FileLock.acquire(path, 0)).release();
  assert.deepEqual(readdirSync(dirname(path)), ['outbox.lock-notes']);
});

test('the lock of somebody who says nothing is held', async () => {
  const path = outboxPath();
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(`${path}.lock-77-0123456789ab`, resolve));
  await assert.rejects(FileLock.acquire(path, 0), {
    message: `Cannot open the outbox ${path}: the process 77 has it open; close it there first`,
  });
  await new Promise((resolve) => silent.close(resolve));
  await (await FileLock.acquire(path, 0)).release();
});

test('a file whose path is too long for a socket is locked too', { skip: !existsSync('/proc/self/fd') }, async () => {
  const top = outboxPath();
  const path = join(top, 'd'.repeat(100), 'e'.repeat(100), 'outbox');
  mkdirSync(dirname(path), { recursive: true });
  const lock = await FileLock.acquire(path, 0);
  assert.equal(readdirSync(dirname(path)).length, 1);
  await assert.rejects(FileLock.acquire(path, 0), { code: 'held' });
  await lock.release();
  await (await FileLock.acquire(path, 0)).release();
  rmSync(top, { recursive: true });
});
