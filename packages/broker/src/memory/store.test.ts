import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleMessage } from '../contract/samples.ts';
import { storeContract } from '../contract/store.ts';
import { MemoryStore } from './store.ts';

storeContract('MemoryStore', async () => new MemoryStore());

test('has committed when commit returns', () => {
  const store = new MemoryStore();
  const record = {
    number: 1,
    clientId: 'a',
    username: undefined,
    identity: undefined,
    sessionExpiryInterval: 10,
    expiresAtMs: 0,
    sentUpTo: 0,
  };
  assert.equal(store.commit([{ op: 'putSession', session: record }]), undefined);
});

test('keeps messages by reference', () => {
  const store = new MemoryStore();
  const message = sampleMessage('a');
  const entry = { position: 1, message, qos: 1 as const, retain: false, identifiers: [], share: undefined };
  store.commit([
    {
      op: 'putSession',
      session: {
        number: 1,
        clientId: 'a',
        username: undefined,
        identity: undefined,
        sessionExpiryInterval: 10,
        expiresAtMs: 0,
        sentUpTo: 0,
      },
    },
    { op: 'enqueue', session: 1, entry },
  ]);
  assert.equal(store.queue(1, 0, 1)[0].message, message);
});

test('gives what it keeps to the next broker after it was closed', async () => {
  const store = new MemoryStore();
  const record = {
    number: 1,
    clientId: 'a',
    username: undefined,
    identity: undefined,
    sessionExpiryInterval: 10,
    expiresAtMs: 0,
    sentUpTo: 0,
  };
  store.commit([{ op: 'putSession', session: record }]);
  await store.close();
  for await (const stored of store.sessions()) assert.equal(stored.record, record);
});
