import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiskStore } from './testing/store.ts';
import { World } from './testing/world.ts';

/** More than a message of three characters takes of a queue. */
const BYTES = 80;
const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

/** A stored session whose client is away and whose queue is full of what expires after that many seconds. */
function full(expiryS: number, settings = {}, limits = {}) {
  const store = new DiskStore();
  const world = new World({ store, settings, limits: { queueMessagesMax: 1_000, ...limits } });
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

test('makes room of what has expired, no more of it than one message needs', () => {
  const { world, publish } = full(5);
  world.pass(6_000);
  publish('new');
  assert.deepEqual([world.broker.metrics.messagesExpired, world.broker.metrics.messagesDroppedQueueFull], [1, 0]);
  assert.deepEqual(texts(world), ['new']);
  assert.equal(world.broker.metrics.messagesExpired, 1_000);
});

test('takes no more of a turn than its slice to make room', () => {
  const { world } = full(5, {}, { queueBytesMax: 1_000 * BYTES });
  world.pass(6_000);
  world.clock.msPerLook = 6;
  world.broker.publish('t', Buffer.alloc(500 * BYTES), { qos: 1 });
  assert.equal(world.broker.metrics.messagesExpired, 127);
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 1);
});

test('drops what has expired in slices, with other turns between, and goes on with what has not', () => {
  const { world } = full(5);
  world.pass(6_000);
  world.broker.publish('t', Buffer.from('new'), { qos: 1 });
  let slices = 0;
  const later = world.broker.continueLater.bind(world.broker);
  world.broker.continueLater = (session) => {
    slices += 1;
    later(session);
  };
  world.clock.msPerLook = 6;
  assert.deepEqual(texts(world), ['new']);
  assert.ok(slices >= 10, `${slices} slices`);
});

/**
 * What a client gets again after a crash, with its DUP: its queue of 100 at the most drops the oldest, `old` messages had
 * come before the crash, five of them sent, and 300 come after it. `sentUpTo`: what the store says instead of what it was told.
 */
async function afterCrash(
  qos: 1 | 2,
  old: number,
  inflightMessagesMax = 1_000,
  sentUpTo?: number,
): Promise<[string, boolean][]> {
  const settings = { queueFull: 'drop-oldest' } as const;
  const limits = { queueMessagesMax: 100 };
  const former = new World({ store: new DiskStore(), settings, limits: { ...limits, inflightMessagesMax: 5 } });
  const client = former.connect('a', STORED);
  client.subscribe('t', { qos });
  const publish = (world: World, text: string) => {
    world.broker.publish('t', Buffer.from(text), { qos });
    world.run();
  };
  for (let i = 0; i < old; i++) publish(former, `old ${i}`);
  assert.equal(client.takeAll().filter(({ type }) => type === 'publish').length, 5);

  const { store } = former.broker;
  const sessions = store.sessions.bind(store);
  store.sessions = async function* () {
    for await (const { record, ...rest } of sessions())
      yield { ...rest, record: { ...record, sentUpTo: sentUpTo ?? record.sentUpTo } };
  };
  const world = await World.after(former, { settings, limits: { ...limits, inflightMessagesMax } });
  for (let i = 0; i < 300; i++) publish(world, `new ${i}`);
  const again = world.connect('a', STORED);
  const came: [string, boolean][] = [];
  for (let round = 0; round < 100; round++)
    for (const { payload, dup } of again.answerAll()) came.push([Buffer.from(payload).toString(), dup]);
  return came;
}

const NEWEST = Array.from({ length: 100 }, (_, i): [string, boolean] => [`new ${i + 200}`, false]);

for (const qos of [1, 2] as const)
  test(`drops the oldest also after a crash, while what was perhaps sent waits beside the queue, at QoS ${qos}`, async () => {
    const came = await afterCrash(qos, 105);
    assert.deepEqual(came.slice(-100), NEWEST);
    assert.deepEqual(
      came.slice(0, 5),
      [0, 1, 2, 3, 4].map((i) => [`old ${i}`, true]),
    );
    assert.ok(came.length <= 100 + 64, `${came.length} came`);
  });

test('keeps not many more beside the queue than may be in flight: at QoS 1 the rest goes, at QoS 2 the new messages do', async () => {
  const first = await afterCrash(1, 105, 10, 1_000);
  assert.deepEqual([first.length, first.slice(-100)], [174, NEWEST]);
  const second = await afterCrash(2, 105, 10, 1_000);
  assert.deepEqual([second.length, second.filter(([text]) => text.startsWith('new')).length], [174, 69]);
});
