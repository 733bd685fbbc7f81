import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerEvent } from './events.ts';
import { MemoryStore } from './memory/store.ts';
import type { Awaitable } from './ports.ts';
import { StorageWatch } from './storage-watch.ts';
import { World } from './testing/world.ts';

class SmallStore extends MemoryStore {
  free: () => Awaitable<number> = () => 1_000;
  override freeBytes(): Awaitable<number> {
    return this.free();
  }
}

function watched(store: SmallStore) {
  const told: (BrokerEvent | string)[] = [];
  const owner = {
    tell: (event: BrokerEvent) => told.push(event),
    internalError: (error: unknown) => told.push(`${error}`),
  };
  return { watch: new StorageWatch(store, 500, owner), told };
}

test('tells when the room is below the limit, and when it is a tenth above it again', async () => {
  const store = new SmallStore();
  const { watch, told } = watched(store);
  for (const [second, free] of [600, 499, 520, 549, 550, 500].entries()) {
    store.free = () => free;
    await watch.tick(second * 1_000);
  }
  assert.deepEqual(told, [
    { name: 'storeNearlyFull', freeBytes: 499, storeFreeBytesMin: 500 },
    { name: 'storeHasRoom', freeBytes: 550 },
  ]);
  assert.equal(watch.isLow, false);
});

test('looks once a second, and not again while an answer is due', async () => {
  const store = new SmallStore();
  const { watch } = watched(store);
  let looks = 0;
  let answer: (free: number) => void = () => undefined;
  store.free = () => {
    looks += 1;
    return new Promise((resolve) => {
      answer = resolve;
    });
  };
  const first = watch.tick(0);
  await watch.tick(5_000);
  assert.equal(looks, 1);
  answer(1);
  await first;
  assert.equal(watch.isLow, true);
  await watch.tick(999);
  assert.equal(looks, 1);
});

test('a look that fails is told, and changes nothing', async () => {
  const store = new SmallStore();
  const { watch, told } = watched(store);
  store.free = () => Promise.reject(new Error('gone'));
  await watch.tick(0);
  store.free = () => {
    throw new Error('gone again');
  };
  await watch.tick(1_000);
  assert.deepEqual(told, ['Error: gone', 'Error: gone again']);
  assert.equal(watch.isLow, false);
});

test('tells nothing of a store that was closed while it looked, and asks it no more', async () => {
  const store = new SmallStore();
  const { watch, told } = watched(store);
  const answers = Promise.withResolvers<number>();
  store.free = () => answers.promise;
  const first = watch.tick(0);
  watch.stop();
  answers.reject(new Error('it was closed'));
  await first;
  store.free = () => assert.fail('asked again');
  await watch.tick(1_000);
  assert.deepEqual(told, []);
});

test('a broker that stops while it looks reports no fault', async () => {
  const store = new SmallStore();
  const world = new World({ store });
  const answers = Promise.withResolvers<number>();
  store.free = () => answers.promise;
  world.pass(1_000);
  const stopped = world.broker.stop();
  await world.settle();
  await stopped;
  answers.reject(new Error('it was closed'));
  await world.settle();
  assert.deepEqual(world.told('internalError'), []);
});

const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

/** A world whose disk is nearly full, with a stored session that subscribes to `kept`, and one without that to `live`. */
function nearlyFull() {
  const store = new SmallStore();
  const world = new World({ store, limits: { storeFreeBytesMin: 10_000 } });
  store.free = () => 1_000_000;
  world.pass(2_000);
  const stored = world.connect('stored', STORED);
  stored.subscribe('kept', { qos: 1 });
  const clean = world.connect('clean');
  clean.subscribe('#', { qos: 2 });
  world.broker.publish('kept', Buffer.from('before'), { qos: 1, retain: true });
  world.run();
  for (const client of [stored, clean]) client.takeAll();
  store.free = () => 9_999;
  world.pass(2_000);
  return { store, world, stored, clean };
}

test('refuses with 0x97 what would need the store, and goes on with the rest', () => {
  const { world, clean } = nearlyFull();
  const publisher = world.connect('p');
  publisher.publish('kept', { qos: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0x97);
  publisher.publish('other', { qos: 2, retain: true });
  assert.equal(publisher.take('pubrec').reasonCode, 0x97);
  publisher.publish('other', { retain: true, payload: 'unkept' });
  publisher.publish('other', { qos: 1, payload: 'one' });
  assert.equal(publisher.take('puback').reasonCode, 0);
  publisher.publish('kept', { payload: 'zero' });
  assert.deepEqual(clean.takePayloads(), ['one', 'zero']);
  assert.equal(world.broker.metrics.storeRefused, 3);
  // Deleting gives room back.
  publisher.publish('kept', { qos: 1, retain: true, payload: '' });
  assert.equal(publisher.take('puback').reasonCode, 0x97);
  publisher.publish('kept', { retain: true, payload: '' });
  assert.equal(world.broker.retained.get('kept'), undefined);
});

test('refuses QoS 2 of a stored publisher, whose identifier would have to be kept', () => {
  const { world, stored } = nearlyFull();
  stored.publish('other', { qos: 2 });
  assert.equal(stored.take('pubrec').reasonCode, 0x97);
  assert.equal(world.broker.metrics.storeRefused, 1);
});

test('refuses what only a member of a shared subscription that is stored would get', () => {
  const { store, world, stored } = nearlyFull();
  store.free = () => 1_000_000;
  world.pass(2_000);
  stored.subscribe('$share/g/shared', { qos: 1 });
  store.free = () => 0;
  world.pass(2_000);
  const publisher = world.connect('p');
  publisher.publish('shared', { qos: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0x97);
});

test('closes a 3.x publisher without an acknowledgement, so that it sends again [MQTT311-4.3.2-2]', () => {
  const { world } = nearlyFull();
  const publisher = world.connect('old', { protocolVersion: 4 });
  publisher.publish('kept', { qos: 1 });
  assert.deepEqual([publisher.takeAll(), publisher.isClosed], [[], true]);
});

test('lets stored sessions come back and drain, and takes no new one and no new subscription of theirs', () => {
  const { store, world, stored } = nearlyFull();
  assert.equal(stored.subscribe('more').reasonCodes[0], 0x97);
  assert.equal(stored.subscribe('kept', { qos: 0, retainHandling: 2 }).reasonCodes[0], 0);
  assert.equal(world.open().handshake({ clientId: 'new', ...STORED }).reasonCode, 0x97);
  assert.equal(world.open(4).handshake({ clientId: 'new', cleanStart: false }).reasonCode, 0x03);
  stored.break();
  assert.equal(world.open().handshake({ clientId: 'stored', ...STORED }).reasonCode, 0);
  store.free = () => 20_000;
  world.pass(2_000);
  assert.equal(world.open().handshake({ clientId: 'new', ...STORED }).reasonCode, 0);
});

test('refuses what the server itself would store, and tells $SYS on', async () => {
  const { world, clean } = nearlyFull();
  const publish = (topic: string, options: object) => world.broker.publish(topic, Buffer.from('own'), options);
  assert.equal(await publish('kept', { qos: 1 }), 0x97);
  assert.equal(await publish('other', { retain: true }), 0x97);
  assert.equal(await publish('other', { qos: 1 }), 0);
  assert.equal(await publish('$SYS/broker/x', { retain: true }), 0x10);
  world.run();
  assert.deepEqual([clean.takePayloads(), world.broker.metrics.storeRefused], [['own'], 2]);
});

test('sends a will that was promised to who is there, and stores nothing of it', () => {
  const { store, world, stored, clean } = nearlyFull();
  store.free = () => 1_000_000;
  world.pass(2_000);
  const will = { topic: 'kept', payload: Buffer.from('will'), qos: 1, retain: true, properties: {} } as const;
  const client = world.connect('w', { will });
  stored.break();
  store.free = () => 0;
  world.pass(2_000);
  client.break();
  const [came] = clean.takeAll().filter((packet) => packet.type === 'publish');
  assert.deepEqual([Buffer.from(came.payload).toString(), came.qos], ['will', 0]);
  assert.equal(Buffer.from(world.broker.retained.get('kept')?.payload ?? '').toString(), 'before');
  assert.equal([...world.broker.sessions()].find(({ clientId }) => clientId === 'stored')?.queuedMessages, 0);
  assert.deepEqual(
    [world.told('willPublished').length, world.told('publishRefused').map(({ reasonCode }) => reasonCode)],
    [1, [0x97]],
  );
});

test('takes no new session with a will, which would be stored, but those that are there with theirs', () => {
  const { world, stored } = nearlyFull();
  const will = { topic: 'w', payload: Buffer.from('will'), qos: 0, retain: false, properties: {} } as const;
  assert.equal(world.open().handshake({ clientId: 'new', will }).reasonCode, 0x97);
  assert.equal(world.open().handshake({ clientId: 'new' }).reasonCode, 0);
  stored.break();
  assert.equal(world.open().handshake({ clientId: 'stored', ...STORED, will }).reasonCode, 0);
});
