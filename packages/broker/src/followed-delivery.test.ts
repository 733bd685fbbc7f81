import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QoS } from '@dunlin/protocol';
import fc from 'fast-check';
import type { PublishOptions } from './broker-options.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { Store } from './ports.ts';
import { Receipt } from './receipt.ts';
import { World } from './testing/world.ts';

const STORED = { properties: { sessionExpiryInterval: 60 } };
const OPEN = 'open';

/** Publishes "t" to follow it to the client; the world has its turn. */
function follow(world: World, options: PublishOptions = {}, clientId = 'device', topic = 't'): Receipt {
  const receipt = new Receipt(clientId);
  void world.broker.publish(topic, Buffer.from('wake'), { qos: 1, ...options, receipt });
  world.run();
  return receipt;
}

/** What is known by now. */
async function outcomeOf({ outcome }: Receipt): Promise<string> {
  return Promise.race([outcome, Promise.resolve(OPEN)]);
}

/** A store that answers when it is told to. */
function slowStore(): { store: Store; answer: () => void } {
  const memory = new MemoryStore();
  const waiting: (() => void)[] = [];
  const store = new Proxy(memory, {
    get: (target, name) => {
      if (name === 'commit')
        return (batch: Parameters<Store['commit']>[0]) =>
          new Promise<void>((resolve) =>
            waiting.push(() => {
              void target.commit(batch);
              resolve();
            }),
          );
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { store, answer: () => waiting.shift()?.() };
}

test('at QoS 1 the receipt waits for PUBACK', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  const { packetId, qos, payload } = device.take('publish');
  assert.deepEqual([qos, Buffer.from(payload).toString(), await outcomeOf(receipt)], [1, 'wake', OPEN]);
  device.acknowledge('puback', packetId);
  assert.equal(await outcomeOf(receipt), 'acknowledged');
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('at QoS 2 the receipt waits for PUBCOMP', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 2 });
  const receipt = follow(world, { qos: 2 });
  const { packetId } = device.take('publish');
  device.acknowledge('pubrec', packetId);
  device.take('pubrel');
  assert.equal(await outcomeOf(receipt), OPEN);
  device.acknowledge('pubcomp', packetId);
  assert.equal(await outcomeOf(receipt), 'acknowledged');
});

test('an answer that says no is an answer', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 2 });
  const one = follow(world, { qos: 1 });
  device.acknowledge('puback', device.take('publish').packetId, 0x97);
  const two = follow(world, { qos: 2 });
  device.acknowledge('pubrec', device.take('publish').packetId, 0x97);
  assert.deepEqual([await outcomeOf(one), await outcomeOf(two)], ['acknowledged', 'acknowledged']);
});

for (const [granted, published] of [
  [0, 1],
  [2, 0],
] as const)
  test(`published at QoS ${published} to a subscription of QoS ${granted} it is written when the socket has it`, async () => {
    const world = new World();
    const device = world.connect('device');
    device.subscribe('t', { qos: granted });
    const receipt = new Receipt('device');
    void world.broker.publish('t', Buffer.from('wake'), { qos: published, receipt });
    assert.equal(await outcomeOf(receipt), OPEN);
    world.run();
    assert.equal(await outcomeOf(receipt), 'written');
    assert.equal(device.take('publish').qos, 0);
  });

test('at QoS 0 it is not written while the socket takes nothing', async () => {
  const world = new World();
  const device = world.connect('device', { wire: { highWaterBytes: 100 } });
  device.subscribe('#');
  device.wire.pause();
  void world.broker.publish('fill', Buffer.alloc(200));
  world.run();
  const receipt = follow(world, { qos: 0 });
  assert.equal(await outcomeOf(receipt), OPEN);
  device.wire.resume();
  world.run();
  assert.equal(await outcomeOf(receipt), 'written');
});

test('at QoS 0 it is lost where the connection breaks while the socket takes nothing', async () => {
  const world = new World();
  const device = world.connect('device', { wire: { highWaterBytes: 100 } });
  device.subscribe('#');
  device.wire.pause();
  void world.broker.publish('fill', Buffer.alloc(200));
  world.run();
  const receipt = follow(world, { qos: 0 });
  device.break();
  assert.equal(await outcomeOf(receipt), 'lost');
});

test('at QoS 0 it is refused where the client reads so slowly that the message is dropped', async () => {
  const world = new World({ limits: { outboxBytesMax: 4096 } });
  const device = world.connect('device', { wire: { highWaterBytes: 100 } });
  device.subscribe('#');
  device.wire.pause();
  void world.broker.publish('fill', Buffer.alloc(8000));
  world.run();
  assert.equal(await outcomeOf(follow(world, { qos: 0 })), 'refused');
  assert.equal(world.broker.metrics.messagesDroppedSlow, 1);
});

test('nothing is queued for a client that is away, and others get the message', async () => {
  const world = new World();
  const away = world.connect('device', STORED);
  away.subscribe('t', { qos: 1 });
  away.break();
  const other = world.connect('other');
  other.subscribe('t', { qos: 1 });
  assert.equal(await outcomeOf(follow(world)), 'not-subscribed');
  assert.equal(other.take('publish').topic, 't');
  assert.deepEqual(
    [...world.broker.sessions()].map(({ clientId, queuedMessages }) => [clientId, queuedMessages]),
    [
      ['device', 0],
      ['other', 0],
    ],
  );
});

test('a client that nobody knows, or that has no subscription, is not subscribed', async () => {
  const world = new World();
  world.connect('device').subscribe('u', { qos: 1 });
  assert.equal(await outcomeOf(follow(world)), 'not-subscribed');
  assert.equal(await outcomeOf(follow(world, {}, 'nobody', 'u')), 'not-subscribed');
});

test('a shared subscription is not one of the client itself, and brings it the message all the same', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('$share/g/t', { qos: 1 });
  assert.equal(await outcomeOf(follow(world)), 'not-subscribed');
  device.take('publish');
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  const [own, shared] = [device.take('publish'), device.take('publish')];
  device.acknowledge('puback', shared.packetId);
  assert.equal(await outcomeOf(receipt), OPEN);
  device.acknowledge('puback', own.packetId);
  assert.equal(await outcomeOf(receipt), 'acknowledged');
});

test('No Local keeps nothing away that the broker says, and overlapping subscriptions are one', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 0, noLocal: true });
  device.subscribe('#', { qos: 1 });
  const receipt = follow(world);
  device.acknowledge('puback', device.take('publish').packetId);
  assert.equal(await outcomeOf(receipt), 'acknowledged');
  assert.deepEqual(device.takeAll(), []);
});

test('one whose permissions keep the message from it is as if not subscribed, and that is counted', async () => {
  const permissions = { ...PERMIT_ALL, mayReceiveAll: () => false, mayReceive: (topic: string) => topic !== 't' };
  const world = new World({ authorizer: { permissions: () => permissions } });
  const device = world.connect('device');
  device.subscribe('#', { qos: 1 });
  assert.equal(await outcomeOf(follow(world)), 'not-subscribed');
  assert.deepEqual([device.takeAll(), world.broker.metrics.messagesDroppedDenied], [[], 1]);
});

test('without a session that outlives it the end of the connection loses the message', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  device.break();
  assert.equal(await outcomeOf(receipt), 'lost');
});

test('a takeover of such a session loses it as well', async () => {
  const world = new World();
  world.connect('device').subscribe('t', { qos: 1 });
  const receipt = follow(world);
  world.connect('device', { cleanStart: false });
  assert.equal(await outcomeOf(receipt), 'lost');
});

for (const end of ['break', 'takeover'] as const)
  test(`a session that outlives its connection, by ${end}, sends it again, and the receipt waits for that`, async () => {
    const world = new World({ store: new MemoryStore() });
    const first = world.connect('device', STORED);
    first.subscribe('t', { qos: 1 });
    const receipt = follow(world);
    if (end === 'break') first.break();
    const second = world.connect('device', { ...STORED, cleanStart: false });
    const { packetId, dup } = second.take('publish');
    assert.deepEqual([dup, await outcomeOf(receipt)], [true, OPEN]);
    second.acknowledge('puback', packetId);
    assert.equal(await outcomeOf(receipt), 'acknowledged');
  });

test('Clean Start loses what the former session had to finish', async () => {
  const world = new World();
  const device = world.connect('device', STORED);
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  device.break();
  assert.equal(await outcomeOf(receipt), OPEN);
  world.connect('device', { ...STORED, cleanStart: true });
  assert.equal(await outcomeOf(receipt), 'lost');
});

test('the expiry of the session loses it', async () => {
  const world = new World();
  const device = world.connect('device', STORED);
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  device.break();
  world.pass(59_000);
  assert.equal(await outcomeOf(receipt), OPEN);
  world.pass(2000);
  assert.equal(await outcomeOf(receipt), 'lost');
});

for (const sessionExpiryInterval of [60, 0xffffffff])
  test(`the expiry of the message loses it while the client is away for up to ${sessionExpiryInterval} s`, async () => {
    const world = new World();
    const device = world.connect('device', { properties: { sessionExpiryInterval } });
    device.subscribe('t', { qos: 1 });
    const receipt = follow(world, { properties: { messageExpiryInterval: 10 } });
    device.break();
    world.pass(9000);
    assert.equal(await outcomeOf(receipt), OPEN);
    world.pass(2000);
    assert.equal(await outcomeOf(receipt), 'lost');
  });

test('what waits behind Receive Maximum is sent when there is room, with its receipt', async () => {
  const world = new World();
  const device = world.connect('device', { properties: { receiveMaximum: 1 } });
  device.subscribe('t', { qos: 1 });
  const [one, two] = [follow(world), follow(world)];
  const first = device.take('publish');
  assert.deepEqual([device.takeAll(), await outcomeOf(two)], [[], OPEN]);
  device.acknowledge('puback', first.packetId);
  assert.deepEqual([await outcomeOf(one), await outcomeOf(two)], ['acknowledged', OPEN]);
  device.acknowledge('puback', device.take('publish').packetId);
  assert.equal(await outcomeOf(two), 'acknowledged');
});

test('a full queue refuses it', async () => {
  const world = new World({ limits: { queueMessagesMax: 1 }, settings: { queueFull: 'drop-new' } });
  const device = world.connect('device', { properties: { receiveMaximum: 1 } });
  device.subscribe('t', { qos: 1 });
  const receipts = [follow(world), follow(world), follow(world)];
  assert.deepEqual(await Promise.all(receipts.map(outcomeOf)), [OPEN, OPEN, 'refused']);
});

test('a full queue that drops what is oldest loses that', async () => {
  const world = new World({ limits: { queueMessagesMax: 1 }, settings: { queueFull: 'drop-oldest' } });
  const device = world.connect('device', { properties: { receiveMaximum: 1 } });
  device.subscribe('t', { qos: 1 });
  const receipts = [follow(world), follow(world), follow(world)];
  assert.deepEqual(await Promise.all(receipts.map(outcomeOf)), [OPEN, 'lost', OPEN]);
});

test('what expires in the queue is lost', async () => {
  const world = new World();
  const device = world.connect('device', { properties: { receiveMaximum: 1 } });
  device.subscribe('t', { qos: 1 });
  follow(world);
  const receipt = follow(world, { properties: { messageExpiryInterval: 1 } });
  world.pass(2000);
  device.acknowledge('puback', device.take('publish').packetId);
  assert.equal(await outcomeOf(receipt), 'lost');
});

test('what waits is delivered though the client unsubscribes meanwhile, and the receipt says so', async () => {
  const world = new World();
  const device = world.connect('device', { properties: { receiveMaximum: 1 } });
  device.subscribe('t', { qos: 1 });
  const first = follow(world);
  const second = follow(world);
  device.send({ type: 'unsubscribe', packetId: 7, properties: {}, filters: ['t'] });
  device.acknowledge('puback', device.take('publish').packetId);
  device.take('unsuback');
  device.acknowledge('puback', device.take('publish').packetId);
  assert.deepEqual([await outcomeOf(first), await outcomeOf(second)], ['acknowledged', 'acknowledged']);
});

for (const qos of [0, 1] as const)
  test(`a message above the Maximum Packet Size of the client is lost at QoS ${qos}`, async () => {
    const world = new World();
    const device = world.connect('device', { properties: { maximumPacketSize: 40 } });
    device.subscribe('t', { qos });
    const receipt = new Receipt('device');
    void world.broker.publish('t', Buffer.alloc(100), { qos, receipt });
    world.run();
    assert.equal(await outcomeOf(receipt), 'lost');
    assert.deepEqual([device.takeAll(), world.broker.metrics.messagesDroppedTooLarge], [[], 1]);
  });

test('the stop of the broker loses what is open, also of sessions that go on', async () => {
  const world = new World({ store: new MemoryStore() });
  const receipts = ['here', 'away'].map((clientId) => {
    const client = world.connect(clientId, STORED);
    client.subscribe('t', { qos: 1 });
    const receipt = follow(world, {}, clientId);
    if (clientId === 'away') client.break();
    return receipt;
  });
  await world.broker.stop();
  assert.deepEqual(await Promise.all(receipts.map(outcomeOf)), ['lost', 'lost']);
  assert.equal(await outcomeOf(follow(world, {}, 'here')), 'not-subscribed');
});

test('for want of room in the store it is refused, and nobody gets it', async () => {
  const world = new World({ store: new MemoryStore() });
  const device = world.connect('device', STORED);
  device.subscribe('t', { qos: 1 });
  Object.defineProperty(world.broker.storage, 'isLow', { value: true });
  assert.equal(await outcomeOf(follow(world)), 'refused');
  assert.deepEqual(device.takeAll(), []);
});

for (const qos of [0, 1] as const)
  test(`before CONNACK has left the client is connected: at QoS ${qos} the message follows it`, async () => {
    const { store, answer } = slowStore();
    const world = new World({ store });
    const settle = async () => {
      for (let i = 0; i < 5; i++) {
        answer();
        await world.settle();
      }
    };
    await settle();
    const first = await world.admit('device', STORED, settle);
    first.send(first.subscribePacket('t', { qos }));
    await settle();
    first.break();
    await settle();
    const device = world.open();
    device.connect({ clientId: 'device', ...STORED, cleanStart: false });
    const receipt = follow(world);
    assert.deepEqual([device.takeAll(), await outcomeOf(receipt)], [[], OPEN]);
    await settle();
    device.take('connack');
    assert.equal(device.take('publish').qos, qos);
    assert.equal(await outcomeOf(receipt), qos === 0 ? 'written' : OPEN);
  });

test('at QoS 0 what waits for CONNACK or SUBACK is lost with the connection, or when it expires', async () => {
  const { store, answer } = slowStore();
  const world = new World({ store });
  const device = world.open();
  device.connect({ clientId: 'device', ...STORED });
  device.send(device.subscribePacket('t'));
  const expired = follow(world, { properties: { messageExpiryInterval: 1 } });
  world.pass(2000);
  for (let i = 0; i < 5; i++) {
    answer();
    await world.settle();
  }
  assert.equal(await outcomeOf(expired), 'lost');
  device.send(device.subscribePacket('u'));
  const cut = follow(world);
  device.break();
  assert.equal(await outcomeOf(cut), 'lost');
});

test('what others acknowledge the client has not acknowledged', async () => {
  const world = new World({ store: new MemoryStore() });
  const others = ['a', 'b'].map((clientId) => world.connect(clientId, STORED));
  for (const other of others) other.subscribe('t', { qos: 1 });
  const device = world.connect('device');
  device.subscribe('t', { qos: 1 });
  const receipt = follow(world);
  for (const other of others) other.acknowledge('puback', other.take('publish').packetId);
  assert.equal(await outcomeOf(receipt), OPEN);
  device.acknowledge('puback', device.take('publish').packetId);
  assert.equal(await outcomeOf(receipt), 'acknowledged');
});

test('a receipt settles where the bus brings the message to no session here, or fails', async () => {
  const answers: readonly [() => Promise<boolean>, string][] = [
    [() => Promise.resolve(true), 'not-subscribed'],
    [() => Promise.reject(new Error('no bus')), 'lost'],
  ];
  for (const [publish, expected] of answers) {
    const bus = { publish, receive: () => undefined, subscribe: () => undefined, unsubscribe: () => undefined };
    const world = new World({ bus });
    const receipt = new Receipt('device');
    await Promise.allSettled([world.broker.publish('t', Buffer.from('wake'), { qos: 1 as QoS, receipt })]);
    assert.equal(await receipt.outcome, expected);
  }
});

test('nothing is kept of receipts that have settled', async () => {
  const world = new World();
  const device = world.connect('device');
  device.subscribe('t', { qos: 1 });
  for (let i = 0; i < 3; i++) follow(world);
  assert.notEqual(world.broker.sessionsById.get('device')?.receipts, undefined);
  device.answerAll();
  assert.equal(world.broker.sessionsById.get('device')?.receipts, undefined);
});

const FILTERS = ['a', 'a/+', 'a/#', '+/b', '#', '+', 'b', '$own/x', '$own/#', '$share/g/a/b', '$share/g/#'];
const TOPICS = ['a', 'a/b', 'b', 'a/b/c', '$own/x'];

test('a client is subscribed to a topic at the QoS at which the topic comes to it', () => {
  const requests = fc.array(fc.record({ filter: fc.constantFrom(...FILTERS), qos: fc.constantFrom<QoS>(0, 1, 2) }));
  fc.assert(
    fc.property(requests, fc.constantFrom(...TOPICS), fc.boolean(), (subscriptions, topic, isDenied) => {
      const permissions = { ...PERMIT_ALL, mayReceiveAll: () => !isDenied, mayReceive: () => !isDenied };
      const world = new World({ authorizer: { permissions: () => permissions } });
      const device = world.connect('device');
      for (const { filter, qos } of subscriptions) device.subscribe(filter, { qos });
      const qos = world.broker.subscribedQos('device', topic);
      for (const { filter } of subscriptions)
        if (filter.startsWith('$share/'))
          device.send({ type: 'unsubscribe', packetId: 9, properties: {}, filters: [filter] });
      device.takeAll();
      follow(world, { qos: 2 }, 'device', topic);
      assert.deepEqual(
        device.takeAll().map((packet) => packet.type === 'publish' && packet.qos),
        qos === undefined ? [] : [qos],
      );
    }),
    { numRuns: 200 },
  );
});

test('a client that is not connected is subscribed to nothing', () => {
  const world = new World();
  const device = world.connect('device', STORED);
  device.subscribe('t', { qos: 1 });
  assert.equal(world.broker.subscribedQos('device', 't'), 1);
  device.break();
  assert.equal(world.broker.subscribedQos('device', 't'), undefined);
  assert.equal(world.broker.subscribedQos('nobody', 't'), undefined);
});
