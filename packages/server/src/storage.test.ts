import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { MemoryStore, StoreContradiction } from '@dunlin/broker';
import { StoreError } from '@dunlin/lmdb';
import { ConfigurationError, completeConfiguration } from './configuration.ts';
import { failureText } from './serve.ts';
import { startServer } from './server.ts';
import { openStorage, storageAdvice } from './storage.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-storage-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

const listeners = [{ host: '127.0.0.1', port: 0 }];

test('opens the data directory, or nothing where everything stays in memory', async () => {
  const data = join(scratch, 'opened');
  const storage = await openStorage(completeConfiguration({ data }));
  assert.equal(storage?.directory, data);
  await storage?.close();
  assert.equal(await openStorage(completeConfiguration({})), undefined);
  assert.equal(await openStorage(completeConfiguration({ data, durability: 'memory' })), undefined);
});

test('advises what helps', async () => {
  const data = join(scratch, 'locked');
  const storage = await openStorage(completeConfiguration({ data }));
  await assert.rejects(openStorage(completeConfiguration({ data })), (error) => {
    assert.match(storageAdvice(error) ?? '', /another data directory: --data DIR/);
    return true;
  });
  await storage?.close();
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  await assert.rejects(openStorage(completeConfiguration({ data: file })), (error) => {
    assert.match(storageAdvice(error) ?? '', /--durability memory/);
    return true;
  });
  assert.match(storageAdvice(new StoreError('newer-format', '')) ?? '', /a newer one/);
  assert.match(storageAdvice(new StoreError('damaged', '')) ?? '', /With dunlin store restore/);
  const contradiction = new StoreContradiction('Cannot read a queue: found is nothing');
  assert.match(storageAdvice(contradiction) ?? '', /dunlin store check.*With dunlin store restore/);
  assert.equal(failureText(contradiction), 'Cannot read a queue: found is nothing; restore a backup');
  assert.equal(storageAdvice(new StoreError('commit-failed', '')), undefined);
  assert.equal(storageAdvice(new Error('other')), undefined);
});

test('a program without data gets memory, one that asks for more without a place is told so', async () => {
  assert.equal(completeConfiguration({}).durability, 'memory');
  assert.equal(completeConfiguration({ data: 'd' }).durability, 'durable');
  assert.throws(() => completeConfiguration({ durability: 'process' }), /data is missing: a directory is expected/);
});

test('a server gives its data directory free when it stops, and when it cannot start', async () => {
  const data = join(scratch, 'given-back');
  const first = await startServer({ listeners, data });
  await assert.rejects(startServer({ listeners, data }), StoreError);
  await first.stop();
  const taken = await startServer({ listeners });
  await assert.rejects(startServer({ listeners: [{ host: '127.0.0.1', port: taken.listeners[0].port }], data }));
  await taken.stop();
  await (await startServer({ listeners, data })).stop();
});

test('takes a store of the program or a data directory, not both', async () => {
  await assert.rejects(
    startServer({ listeners, data: join(scratch, 'both') }, { store: new MemoryStore() }),
    ConfigurationError,
  );
});

test('a server whose store has failed stops, frees its ports and does not claim that all is well', async () => {
  const store = new MemoryStore();
  const failure = new Error('the disk is gone');
  store.commit = () => Promise.reject(failure);
  const server = await startServer({ listeners }, { store });
  const { port } = server.listeners[0];
  const failed = new Promise<void>((resolve) => {
    server.broker.onEvent(({ name }) => name === 'storeFailed' && resolve());
  });
  server.broker.publish('a', Buffer.from('kept'), { retain: true });
  await failed;
  await assert.rejects(server.stop(), failure);
  await assert.rejects(server.stop(), failure);
  await (await startServer({ listeners: [{ host: '127.0.0.1', port }] })).stop();
});
