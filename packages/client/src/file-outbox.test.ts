import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OUTBOX_STORE_CONTRACT } from './contract/outbox-store.ts';
import { fileOutbox } from './file-outbox.ts';
import { outboxPath, sample } from './testing/outbox-files.ts';

const child = join(import.meta.dirname, 'testing/outbox-child.ts');

describe('the outbox in a file keeps the contract of an OutboxStore', () => {
  for (const { title, run } of OUTBOX_STORE_CONTRACT) {
    test(title, async () => {
      const path = outboxPath();
      await run(() => fileOutbox(path, { heldTimeoutMs: 0 }));
    });
  }
});

test('only its owner may read the file, also after it was written anew', async () => {
  const path = outboxPath();
  const store = fileOutbox(path, { deadBytesMin: 0 });
  await store.open();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const { ino } = statSync(path);
  await store.write({ put: [sample(1), sample(2)], remove: [] });
  await store.write({ put: [], remove: [1, 2] });
  await store.close();
  assert.notEqual(statSync(path).ino, ino);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(path, '..')), ['outbox']);
  chmodSync(path, 0o666);
  await store.open();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await store.close();
});

test('a missing directory is named, and a store that failed to open may try again', async () => {
  const path = join(outboxPath(), 'below', 'outbox');
  const store = fileOutbox(path);
  const message = `Cannot open the outbox ${path}: its directory does not exist; make it first`;
  await assert.rejects(store.open(), { name: 'OutboxError', code: 'no-directory', message });
  mkdirSync(join(path, '..'), { recursive: true });
  assert.deepEqual(await store.open(), { clientId: undefined, records: [] });
  await store.close();
});

test('what is not an outbox is left alone', async () => {
  const path = outboxPath();
  for (const content of ['x', 'a text that is longer than the head of an outbox']) {
    writeFileSync(path, content);
    const message = `Cannot open the outbox ${path}: it is something else; the file of an outbox or a free name is expected`;
    await assert.rejects(fileOutbox(path).open(), { code: 'not-ours', message });
    assert.equal(statSync(path).size, content.length);
  }
  await assert.rejects(fileOutbox(join(path, '..')).open(), { code: 'not-ours' });
  assert.deepEqual(readdirSync(join(path, '..')), ['outbox']);
});

test('what the system refuses is told with its error', async () => {
  const path = outboxPath();
  symlinkSync(path, path);
  await assert.rejects(fileOutbox(path).open(), (error: Error & { code: string }) => {
    assert.equal(error.code, 'failed');
    assert.match(error.message, /^Cannot open the outbox .*: ELOOP/);
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ELOOP');
    return true;
  });
});

test('an empty file becomes an outbox', async () => {
  const path = outboxPath();
  writeFileSync(path, '');
  const store = fileOutbox(path);
  assert.deepEqual(await store.open(), { clientId: undefined, records: [] });
  await store.close();
});

test('two names of one file have one owner', async () => {
  const path = outboxPath();
  const store = fileOutbox(path);
  await store.open();
  symlinkSync(path, `${path}-too`);
  await assert.rejects(fileOutbox(`${path}-too`, { heldTimeoutMs: 0 }).open(), {
    code: 'held',
    message: `Cannot open the outbox ${path}: this process has it open; close it there first`,
  });
  await store.close();
});

test('an owner that is killed leaves no lock, and one that lives is named', async () => {
  const path = outboxPath();
  const owner = spawn(process.execPath, ['--conditions=@dunlin/source', child, path, '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => owner.stdout.once('data', resolve));
  owner.stdout.resume();
  await assert.rejects(fileOutbox(path, { heldTimeoutMs: 50 }).open(), {
    code: 'held',
    message: `Cannot open the outbox ${path}: the process ${owner.pid} has it open; close it there first`,
  });
  const waiting = fileOutbox(path, { heldTimeoutMs: 60_000 });
  const opening = waiting.open();
  owner.kill('SIGKILL');
  assert.equal((await opening).clientId, 'child');
  await waiting.close();
  assert.deepEqual(
    readdirSync(join(path, '..')).filter((name) => name.includes('lock')),
    [],
  );
});

test('what cannot be encoded is refused alone, and the others of its turn are kept', async () => {
  const path = outboxPath();
  const store = fileOutbox(path);
  await store.open();
  const bad = { ...sample(2), topic: 'x'.repeat(70_000) };
  const results = await Promise.allSettled([
    store.write({ put: [sample(1)], remove: [] }),
    store.write({ put: [sample(3), bad], remove: [1], clientId: 'lost' }),
    store.write({ put: [sample(4)], remove: [] }),
  ]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  const { reason } = results[1] as PromiseRejectedResult;
  assert.equal(reason.code, 'invalid');
  assert.match(
    reason.message,
    /^Cannot write to the outbox .*: its topic has 70000 bytes, at most 65535 are expected$/,
  );
  await store.close();
  assert.deepEqual(await store.open(), { clientId: undefined, records: [sample(1), sample(4)] });
  await store.close();
});
