import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retainedOf } from './contract/retained.ts';
import { GroupCommit } from './group-commit.ts';
import { MemoryStore } from './memory/store.ts';
import { createMetrics } from './metrics.ts';
import type { Write } from './ports.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const WRITE: Write = { op: 'deleteWill', session: 1 };

/** Fails the test where a store or a waiter does. */
const owner = {
  beginTurn: () => undefined,
  storeFailed: (error: unknown) => assert.fail(String(error)),
  internalError: (error: unknown) => assert.fail(String(error)),
};

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

test('gathers the writes of a turn in one batch, and the next while that one runs', async () => {
  const store = new HeldStore();
  const metrics = createMetrics();
  const commits = new GroupCommit(store, metrics, owner);
  const tickets = [commits.write(WRITE), commits.write(WRITE)];
  commits.endOfTurn();
  tickets.push(commits.write(WRITE));
  commits.endOfTurn();
  assert.deepEqual([tickets, store.batches.map((batch) => batch.length)], [[1, 1, 2], [2]]);
  assert.deepEqual(
    tickets.map((ticket) => commits.isDurable(ticket)),
    [false, false, false],
  );
  store.letThrough();
  await turns();
  assert.deepEqual(
    tickets.map((ticket) => commits.isDurable(ticket)),
    [true, true, false],
  );
  assert.deepEqual(
    store.batches.map((batch) => batch.length),
    [2, 1],
  );
  store.letThrough();
  await turns();
  assert.deepEqual([commits.isDurable(2), commits.isIdle, metrics.commits, metrics.writes], [true, true, 2, 3]);
});

test('calls who waits once, when the batch that gathered is durable', async () => {
  const store = new HeldStore();
  const commits = new GroupCommit(store, createMetrics(), owner);
  let called = 0;
  commits.write(WRITE);
  commits.wait({ durable: () => (called += 1) });
  commits.endOfTurn();
  commits.write(WRITE);
  await turns();
  assert.equal(called, 0);
  store.letThrough();
  await turns();
  assert.equal(called, 1);
  store.letThrough();
  await turns();
  assert.equal(called, 1);
});

test('commits at once to a store that answers at once, also what its waiters write', () => {
  const metrics = createMetrics();
  const commits = new GroupCommit(new MemoryStore(), metrics, owner);
  let second = 0;
  const ticket = commits.write(WRITE);
  commits.wait({ durable: () => (second = commits.write(WRITE)) });
  commits.endOfTurn();
  assert.deepEqual(
    [commits.isDurable(ticket), commits.isDurable(second), commits.isIdle, metrics.writes],
    [true, true, true, 2],
  );
});

test('settles flushed() when all that was written is durable, also where nothing was', async () => {
  const store = new HeldStore();
  const commits = new GroupCommit(store, createMetrics(), owner);
  commits.write(WRITE);
  let isFlushed = false;
  void commits.flushed().then(() => (isFlushed = true));
  commits.endOfTurn();
  await turns();
  assert.equal(isFlushed, false);
  store.letThrough();
  await turns();
  assert.equal(isFlushed, true);
  const idle = commits.flushed();
  commits.endOfTurn();
  await idle;
});

for (const how of ['throws', 'rejects']) {
  test(`releases nothing when the store ${how}, neither of that batch nor of a later one`, async () => {
    const store = new HeldStore();
    const failures: unknown[] = [];
    const commits = new GroupCommit(store, createMetrics(), { ...owner, storeFailed: (error) => failures.push(error) });
    if (how === 'throws')
      store.commit = () => {
        throw new Error('disk full');
      };
    const ticket = commits.write(WRITE);
    commits.wait({ durable: () => assert.fail('must not be released') });
    commits.endOfTurn();
    store.fail();
    await turns();
    const later = commits.write(WRITE);
    commits.wait({ durable: () => assert.fail('must not be released') });
    commits.endOfTurn();
    await turns();
    await commits.flushed();
    assert.deepEqual([commits.isDurable(ticket), commits.isDurable(later), failures.length], [false, false, 1]);
  });
}

test('lets nobody wait because another who waited threw', () => {
  const faults: unknown[] = [];
  const commits = new GroupCommit(new MemoryStore(), createMetrics(), {
    ...owner,
    internalError: (error) => faults.push(error),
  });
  let isTold = false;
  commits.write(WRITE);
  commits.wait({
    durable: () => {
      throw new Error('a fault of ours');
    },
  });
  commits.wait({ durable: () => (isTold = true) });
  commits.endOfTurn();
  assert.deepEqual([isTold, faults.map(String), commits.isIdle], [true, ['Error: a fault of ours'], true]);
});

test('knows a step that wrote something from one that did not', () => {
  const commits = new GroupCommit(new MemoryStore(), createMetrics(), owner);
  const before = commits.written;
  commits.endOfTurn();
  assert.equal(commits.written, before);
  commits.write(WRITE);
  const after = commits.written;
  assert.notEqual(after, before);
  commits.endOfTurn();
  assert.equal(commits.written, after);
});

/** A client with a stored session, on a store that has let its CONNECT through. */
function storedClient(store: HeldStore, world: World, clientId: string): Promise<TestClient> {
  return world.admit(clientId, { properties: { sessionExpiryInterval: 100 } }, () => store.letAllThrough(world));
}

test('acknowledges when what was written is durable, in the order of receipt; PINGRESP and QoS 0 wait for nothing [MQTT-4.6.0-2]', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const subscriber = world.open(4);
  assert.equal(subscriber.handshake({ clientId: 's' }).reasonCode, 0);
  subscriber.subscribe('#');
  const client = await storedClient(store, world, 'a');
  client.publish('t', { qos: 1, packetId: 1, retain: true });
  client.publish('t', { qos: 1, packetId: 2 });
  client.publish('t', { qos: 2, packetId: 3 });
  client.send({
    type: 'subscribe',
    packetId: 4,
    properties: {},
    subscriptions: [{ filter: 'x', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  client.publish('t', { qos: 0 });
  client.send({ type: 'pingreq' });
  await world.settle();
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['pingresp'],
  );
  assert.equal(subscriber.takePayloads().length, 4);
  await store.letAllThrough(world);
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['puback', 'puback', 'pubrec', 'suback'],
  );
});

test('sends a QoS 2 message of a stored session only when its identifier is durable, and a QoS 1 message at once', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await storedClient(store, world, 'a');
  client.send({
    type: 'subscribe',
    packetId: 4,
    properties: {},
    subscriptions: [{ filter: '#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  await store.letAllThrough(world);
  client.take('suback');
  const publisher = world.open(4);
  publisher.handshake({ clientId: 'p' });
  publisher.publish('t', { qos: 1 });
  await world.settle();
  client.acknowledge('puback', client.take('publish').packetId);
  publisher.publish('t', { qos: 2 });
  await world.settle();
  assert.deepEqual(client.takeAll(), []);
  await store.letAllThrough(world);
  assert.equal(client.take('publish').qos, 2);
});

test('sends PUBREL and PUBCOMP of a stored session when that step is durable', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await storedClient(store, world, 'a');
  client.send({
    type: 'subscribe',
    packetId: 4,
    properties: {},
    subscriptions: [{ filter: '#', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  client.publish('t', { qos: 2, packetId: 9 });
  await store.letAllThrough(world);
  const publish = client.takeAll().find((packet) => packet.type === 'publish');
  client.acknowledge('pubrec', publish?.packetId ?? 0);
  client.acknowledge('pubrel', 9);
  await world.settle();
  assert.deepEqual(client.takeAll(), []);
  await store.letAllThrough(world);
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['pubrel', 'pubcomp'],
  );
});

test('stops everything when the store fails: nothing is acknowledged, every connection breaks, newcomers are refused', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await storedClient(store, world, 'a');
  client.publish('t', { qos: 1, retain: true });
  await world.settle();
  store.fail();
  await world.settle();
  assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
  assert.deepEqual(
    world.told('storeFailed').map((event) => event.error),
    ['disk full'],
  );
  assert.equal(world.open().handshake().reasonCode, 0x88);
  assert.equal(world.clock.timers, 0);
});

test('closes the wire of a client whose DISCONNECT waits when the store fails', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await storedClient(store, world, 'a');
  client.disconnect();
  await world.settle();
  assert.equal(client.isClosed, false);
  store.fail();
  await world.settle();
  assert.deepEqual([client.isClosed, world.told('storeFailed').length], [true, 1]);
});

test('closes the store only when everything is committed', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = await storedClient(store, world, 'a');
  client.publish('t', { qos: 1, retain: true });
  await world.settle();
  client.publish('u', { qos: 1, retain: true });
  const stopped = world.broker.stop();
  await world.settle();
  assert.equal(store.isClosed, false);
  await store.letAllThrough(world);
  await stopped;
  assert.equal(store.isClosed, true);
  assert.deepEqual(
    retainedOf(store).map(([topic]) => topic),
    ['t', 'u'],
  );
});

test('releases nothing after the store could not be read, and tells that once', async () => {
  const store = new HeldStore();
  const failures: unknown[] = [];
  const commits = new GroupCommit(store, createMetrics(), { ...owner, storeFailed: (error) => failures.push(error) });
  const ticket = commits.write(WRITE);
  commits.wait({ durable: () => assert.fail('nothing is durable any more') });
  commits.fail(new Error('page 7 is damaged'));
  commits.fail(new Error('page 8 is damaged'));
  commits.endOfTurn();
  await commits.flushed();
  assert.deepEqual([commits.isDurable(ticket), commits.isIdle, store.batches.length], [false, false, 0]);
  assert.deepEqual(failures.map(String), ['Error: page 7 is damaged']);
});
