import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory/store.ts';
import { World } from './testing/world.ts';

class DiskStore extends MemoryStore {
  override readonly inMemory = false as unknown as true;
  read = 0;
  override queue(session: number, after: number, limit: number) {
    const page = super.queue(session, after, limit);
    this.read += page.length;
    return page;
  }
}

const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

/** A stored session whose client is away and whose queue is full of what expires after that many seconds. */
function full(expiryS: number, settings = {}) {
  const store = new DiskStore();
  const world = new World({ store, settings, limits: { queueMessagesMax: 1_000 } });
  const client = world.connect('a', STORED);
  client.subscribe('t', { qos: 1 });
  client.break();
  const publish = (payload: string) =>
    world.broker.publish('t', Buffer.from(payload), { qos: 1, properties: { messageExpiryInterval: expiryS } });
  for (let i = 0; i < 1_000; i++) publish(`${i}`);
  world.run();
  return { store, world, publish };
}

function texts(world: World): string[] {
  const client = world.connect('a', STORED);
  const came: string[] = [];
  for (let round = 0; round < 10; round++)
    for (const packet of client.takeAll()) {
      if (packet.type !== 'publish') continue;
      came.push(Buffer.from(packet.payload).toString());
      client.acknowledge('puback', packet.packetId);
    }
  return came;
}

test('costs little memory when it is full and its client is away, however many more come', () => {
  const { store, world, publish } = full(100);
  for (let i = 0; i < 500; i++) publish('more');
  world.run();
  assert.ok(store.read <= 32, `${store.read} entries were read`);
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 500);
  assert.equal(texts(world).length, 1_000);
});

test('drops the oldest from the store where the settings say so, a few at a time', () => {
  const { world, publish } = full(100, { queueFull: 'drop-oldest' });
  for (let i = 0; i < 100; i++) publish(`more ${i}`);
  world.run();
  assert.ok(world.broker.pressure.heldBytes < 20_000, `${world.broker.pressure.heldBytes}`);
  const came = texts(world);
  assert.deepEqual([came.length, came[0], came.at(-1)], [1_000, '100', 'more 99']);
});

test('makes room of what has expired, all of it', () => {
  const { world, publish } = full(5);
  world.pass(6_000);
  publish('new');
  assert.equal(world.broker.metrics.messagesExpired, 1_000);
  assert.deepEqual(texts(world), ['new']);
});
