import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYSTEM } from './environment.ts';
import { MqttError } from './errors.ts';
import { OPEN_MAX } from './outbox.ts';
import { OutboxKeeper, openOutbox } from './outbox-keeper.ts';
import type { OutboxBatch, OutboxRecord, OutboxStore } from './outbox-store.ts';
import { settingsOf } from './settings.ts';

/** A store whose writes settle when a test says so. */
function setUp() {
  const batches: (OutboxBatch & PromiseWithResolvers<void>)[] = [];
  const failures: string[] = [];
  let closed = 0;
  const store: OutboxStore = {
    open: async () => ({ clientId: undefined, records: [] }),
    write: (batch) => {
      const write = { ...batch, ...Promise.withResolvers<void>() };
      batches.push(write);
      return write.promise;
    },
    close: async () => {
      closed += 1;
    },
  };
  const keeper = new OutboxKeeper(store, ({ code }) => failures.push(code));
  return { keeper, batches, failures, closed: () => closed };
}

const record = (sequence: number, state: OutboxRecord['state'] = 'waiting'): OutboxRecord => ({
  sequence,
  topic: 't',
  payload: new Uint8Array(0),
  qos: 1,
  retain: false,
  properties: {},
  expiresAtMs: undefined,
  packetId: 0,
  state,
});
const turn = () => new Promise(setImmediate);

test('what changes in one turn is one batch, with the latest state of each; what depends on it runs when it is durable', async () => {
  const { keeper, batches } = setUp();
  const ran: string[] = [];
  keeper.after(() => ran.push('at once'));
  keeper.put(record(1));
  keeper.put(record(1, 'sent'), () => ran.push('sent'));
  keeper.put(record(2));
  keeper.remove(2);
  keeper.own('me');
  await turn();
  assert.equal(batches.length, 1);
  const [{ put, remove, clientId }] = batches;
  assert.deepEqual([put.map(({ state }) => state), remove, clientId], [['sent'], [2], 'me']);
  assert.deepEqual(ran, ['at once']);
  batches[0].resolve();
  await turn();
  assert.deepEqual(ran, ['at once', 'sent']);
});

test('a later batch that is done first does not overtake', async () => {
  const { keeper, batches } = setUp();
  const ran: number[] = [];
  for (const sequence of [1, 2]) {
    keeper.put(record(sequence), () => ran.push(sequence));
    await turn();
  }
  batches[1].resolve();
  await turn();
  assert.deepEqual(ran, []);
  batches[0].resolve();
  await turn();
  assert.deepEqual(ran, [1, 2]);
});

test('a write that fails is told once, and nothing goes on', async () => {
  const { keeper, batches, failures } = setUp();
  const ran: number[] = [];
  keeper.put(record(1), () => ran.push(1));
  await turn();
  keeper.put(record(2), () => ran.push(2));
  await turn();
  batches[0].reject(new Error('disk'));
  batches[1].resolve();
  await turn();
  keeper.put(record(3), () => ran.push(3));
  await turn();
  assert.deepEqual([ran, failures, batches.length], [[], ['outbox-failed'], 2]);
});

test('closing writes the rest and lets the store go, also after a failure', async () => {
  const { keeper, batches, closed } = setUp();
  keeper.put(record(1));
  const closing = keeper.close();
  batches[0].reject(new Error('disk'));
  await closing;
  assert.equal(closed(), 1);
});

test('a store that throws, whatever it is, fails like one that rejects', async () => {
  for (const write of [() => Promise.reject(undefined), () => assert.fail('at once')]) {
    const texts: string[] = [];
    const store = { open: () => assert.fail(), write, close: async () => {} };
    const keeper = new OutboxKeeper(store, ({ message }) => void texts.push(message));
    keeper.put(record(1));
    await turn();
    assert.equal(texts.length, 1);
    assert.match(texts[0], /^Cannot keep the outbox: (?:undefined|at once)$/);
    await keeper.close();
  }
});

test('a store with more open publishes than there can be is let go and not taken', async () => {
  const records = Array.from({ length: OPEN_MAX + 1 }, (_, at) => ({ ...record(at, 'sent'), packetId: at + 1 }));
  let closed = 0;
  const store: OutboxStore = {
    open: async () => ({ clientId: 'c', records }),
    write: () => assert.fail(),
    close: async () => {
      closed += 1;
    },
  };
  const outbox = { keeper: undefined, restore: () => assert.fail() };
  const platform = { dial: () => assert.fail(), environment: SYSTEM };
  const settings = settingsOf(platform, 'mqtt://h', { outbox: { store } });
  const opening = openOutbox(outbox, settings, 'c', new AbortController().signal, assert.fail);
  await assert.rejects(opening, (error) => error instanceof MqttError && error.code === 'outbox-failed');
  assert.equal(closed, 1);
});
