import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket } from '@dunlin/protocol';
import type { TestClient } from './testing/client.ts';
import { DiskStore, LaterStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const PAYLOAD = Buffer.alloc(4_000, 'x');

/** Takes what came at QoS 1 and acknowledges it; returns how many. */
function acknowledgeAll(client: TestClient): number {
  const publishes = client.takeAll().filter((packet) => packet.type === 'publish');
  client.send(
    ...publishes
      .filter((packet) => packet.qos === 1)
      .map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })),
  );
  return publishes.length;
}

/** A client that takes messages of `t` and acknowledges none, so that they wait for somebody who is there. */
function hoarder(world: World): TestClient {
  const client = world.connect('hoarder', { properties: { receiveMaximum: 1, sessionExpiryInterval: 1_000 } });
  client.subscribe('t', { qos: 1 });
  return client;
}

test('never slows a publisher for one slow subscriber: QoS 0 is dropped for that one alone and counted', () => {
  const world = new World({ limits: { outboxBytesMax: 100_000 } });
  const slow = world.connect('slow');
  slow.subscribe('t');
  const fast = world.connect('fast');
  fast.subscribe('t');
  slow.wire.pause();
  const publisher = world.connect('p');
  for (let i = 0; i < 500; i++) publisher.publish('t', { payload: PAYLOAD });
  assert.equal(fast.takePayloads().length, 500);
  assert.equal(publisher.wire.pendingBytes, 0);
  assert.equal(world.broker.metrics.publishersPaused, 0);
  const dropped = world.broker.metrics.messagesDroppedSlow;
  assert.ok(dropped > 400);
  slow.wire.resume();
  world.run();
  assert.equal(slow.takePayloads().length, 500 - dropped);
});

test('lets QoS 1 wait in the queue of a slow subscriber, and sends it all once it reads', () => {
  const world = new World({ limits: { outboxBytesMax: 50_000 } });
  const slow = world.connect('slow');
  slow.subscribe('t', { qos: 1 });
  slow.wire.pause();
  const publisher = world.connect('p');
  for (let i = 0; i < 200; i++) publisher.publish('t', { qos: 1, payload: PAYLOAD });
  assert.equal(publisher.takeAll().length, 200);
  assert.ok(([...world.broker.sessions()].find((session) => session.clientId === 'slow')?.queuedMessages ?? 0) > 100);
  slow.wire.resume();
  let came = 0;
  for (let round = 0; round < 50 && came < 200; round++) {
    world.run();
    came += acknowledgeAll(slow);
  }
  assert.equal(came, 200);
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('slows the busiest publishers above heldBytesMax, and lets them go when a tenth of it is free again', () => {
  const world = new World({ limits: { heldBytesMax: 200_000 } });
  const back = hoarder(world);
  const busy = world.connect('busy', { protocolVersion: 4 });
  const quiet = world.connect('quiet');
  quiet.publish('other', { qos: 1 });
  quiet.takeAll();
  for (let i = 0; i < 200; i++) busy.write(busy.publishPacket('t', { qos: 1, payload: PAYLOAD }));
  for (let i = 0; i < 100 && !world.broker.pressure.isPressed; i++) {
    busy.send(busy.publishPacket('t', { qos: 1, payload: PAYLOAD }));
  }
  assert.equal(world.broker.pressure.isPressed, true);
  assert.equal(world.told('publishersPaused').length, 1);
  const quietBefore = quiet.wire.pendingBytes;
  quiet.publish('other', { qos: 1 });
  assert.deepEqual([quiet.take('puback').packetId > 0, quietBefore], [true, 0]);

  for (let round = 0; round < 1_000 && world.broker.pressure.isPressed; round++) {
    acknowledgeAll(back);
    world.pass(100);
  }
  assert.equal(world.told('publishersResumed').length, 1);
  busy.takeAll();
  busy.send({ type: 'pingreq' });
  busy.take('pingresp');
});

test('reads one chunk of a slowed publisher at each tick, so that PINGREQ and acknowledgements pass', () => {
  const world = new World({ limits: { heldBytesMax: 65_536 } });
  hoarder(world);
  const publisher = world.connect('p', { keepAlive: 2 });
  while (!world.broker.pressure.isPressed) publisher.publish('t', { qos: 1, payload: PAYLOAD });
  publisher.takeAll();
  for (let i = 0; i < 5; i++) publisher.write({ type: 'pingreq' });
  world.run();
  assert.deepEqual(publisher.takeAll(), []);
  for (let i = 0; i < 5; i++) {
    world.pass(100);
    assert.equal(publisher.takeAll().length, 1);
  }
  // Slow is not silent: nobody is taken for gone who still sends.
  for (let i = 0; i < 10; i++) {
    publisher.write({ type: 'pingreq' });
    world.pass(1_000);
  }
  assert.equal(publisher.isClosed, false);
});

test('slows a client that does not read its answers, and closes it where it goes on', () => {
  const world = new World({ limits: { outboxBytesMax: 4_096, outboxBytesHardMax: 8_192 } });
  const client = world.connect('a', { protocolVersion: 4, wire: { highWaterBytes: 1_000 } });
  client.wire.pause();
  const pings = Buffer.alloc(1_000, Buffer.from('c000', 'hex'));
  for (let i = 0; i < 5; i++) client.send(pings);
  assert.equal(world.broker.metrics.publishersPaused, 0);
  for (let i = 0; i < 8; i++) client.write(pings);
  world.run();
  assert.equal(world.broker.metrics.publishersPaused, 1);
  world.pass(2_000);
  assert.equal(world.broker.connections.size, 0);
  assert.equal(world.broker.metrics.connectionsClosedNotReading, 1);
  assert.deepEqual(
    world.told('limitReached').map((event) => event.limit),
    ['outboxBytesHardMax'],
  );
  assert.equal(world.broker.pool.waitingBytes, 0);
});

test('serves a client at full speed again that was slowed for its unread answers and then reads', () => {
  const world = new World({ limits: { outboxBytesMax: 4_096, outboxBytesHardMax: 1_000_000 } });
  const client = world.connect('a', { protocolVersion: 4, wire: { highWaterBytes: 1_000 } });
  client.wire.pause();
  const pings = Buffer.alloc(1_000, Buffer.from('c000', 'hex'));
  for (let i = 0; i < 20; i++) client.send(pings);
  assert.equal(world.broker.metrics.publishersPaused, 1);
  client.wire.resume();
  world.run();
  assert.equal(client.takeAll().length, 20 * 500);
});

for (const qos of [0, 1, 2] as const) {
  test(`two clients that publish to each other at QoS ${qos} while neither reads block neither the broker nor each other for good`, () => {
    const world = new World({ limits: { outboxBytesMax: 50_000, outboxBytesHardMax: 400_000, heldBytesMax: 500_000 } });
    const names = ['left', 'right'] as const;
    const clients = names.map((name) => {
      const client = world.connect(name, {
        protocolVersion: 4,
        wire: { highWaterBytes: 20_000, chunkBytes: (length) => length },
      });
      client.subscribe(name, { qos });
      return client;
    });
    for (const client of clients) client.wire.pause();
    const count = 400;
    for (let i = 0; i < count; i++) {
      clients.forEach((client, k) => {
        client.write(client.publishPacket(names[1 - k], { qos, payload: PAYLOAD }));
      });
      world.run();
    }
    world.pass(2_000);
    assert.ok(world.broker.pressure.heldBytes < 1_500_000, `${world.broker.pressure.heldBytes}`);
    // A third party is served all the while.
    const witness = world.connect('witness');
    witness.send({ type: 'pingreq' });
    witness.take('pingresp');

    // Then both read: everything at QoS 1 and 2 arrives, and all is answered.
    const came = [0, 0];
    for (const client of clients) client.wire.resume();
    for (let round = 0; round < 3_000; round++) {
      if (came[0] + came[1] === 2 * count) break;
      clients.forEach((client, k) => {
        for (const packet of client.takeAll()) {
          if (packet.type === 'publish') {
            came[k] += 1;
            if (qos > 0)
              client.write({
                type: qos === 1 ? 'puback' : 'pubrec',
                packetId: packet.packetId,
                reasonCode: 0,
                properties: {},
              });
          } else if (packet.type === 'pubrec')
            client.write({ type: 'pubrel', packetId: packet.packetId, reasonCode: 0, properties: {} });
          else if (packet.type === 'pubrel')
            client.write({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0, properties: {} });
        }
      });
      world.pass(100);
      if (qos === 0 && round > 900) break;
    }
    if (qos > 0) assert.deepEqual(came, [count, count]);
    else assert.equal(came[0] + came[1] + world.broker.metrics.messagesDroppedSlow, 2 * count);
    assert.deepEqual(
      clients.map((client) => client.isClosed),
      [false, false],
    );
  });
}

test('forgets a slowed connection that breaks', () => {
  const world = new World({ limits: { heldBytesMax: 65_536 } });
  hoarder(world);
  const publisher = world.connect('p');
  while (!world.broker.pressure.isPressed) publisher.publish('t', { qos: 1, payload: PAYLOAD });
  publisher.break();
  world.pass(1_000);
  assert.equal(world.broker.connections.size, 1);
});

test('queues nothing more at twice heldBytesMax: drops for that session alone, counts it and tells it', () => {
  const world = new World({ limits: { heldBytesMax: 65_536 } });
  hoarder(world);
  const here = world.connect('here');
  here.subscribe('t', { qos: 1 });
  // All in one turn, before anybody can be slowed.
  const publisher = world.connect('p', { protocolVersion: 4 });
  for (let i = 0; i < 60; i++) publisher.write(publisher.publishPacket('t', { qos: 1, payload: PAYLOAD }));
  world.run();
  assert.ok(world.broker.pressure.heldBytes < 2 * 65_536 + 10_000);
  assert.ok(world.broker.metrics.messagesDroppedQueueFull > 20);
  assert.equal(here.takePayloads().length, 60);
  assert.equal(publisher.takeAll().length, 60);
  assert.ok(world.told('limitReached').some((event) => event.limit === 'heldBytesMax'));
});

test('slows nobody for clients that are not there: above heldBytesMax nothing more is queued for them', () => {
  const world = new World({ limits: { heldBytesMax: 65_536 } });
  const away = world.connect('away', { properties: { sessionExpiryInterval: 1_000 } });
  away.subscribe('t', { qos: 1 });
  away.break();
  const here = world.connect('here', { properties: { receiveMaximum: 1, sessionExpiryInterval: 1_000 } });
  here.subscribe('t', { qos: 1 });
  const publisher = world.connect('p');
  for (let i = 0; i < 60; i++) {
    publisher.publish('t', { qos: 1, payload: PAYLOAD });
    acknowledgeAll(here);
  }
  assert.deepEqual([publisher.takeAll().length, world.broker.metrics.publishersPaused], [60, 0]);
  assert.equal(here.takeAll().filter((packet) => packet.type === 'publish').length, 0);
  assert.ok(world.broker.metrics.messagesDroppedQueueFull > 40);
  assert.ok(world.broker.pressure.heldBytes < 65_536 + 10_000);
});

test('counts a message once however many wait for it', () => {
  const world = new World();
  for (let i = 0; i < 50; i++) {
    const away = world.connect(`away${i}`, { properties: { sessionExpiryInterval: 1_000 } });
    away.subscribe('t', { qos: 1 });
    away.break();
  }
  world.connect('p').publish('t', { qos: 1, payload: Buffer.alloc(100_000) });
  assert.ok(world.broker.pressure.heldBytes < 120_000, `${world.broker.pressure.heldBytes}`);
  for (let i = 0; i < 50; i++) {
    const options = { cleanStart: false, properties: { sessionExpiryInterval: 1_000 } };
    assert.equal(acknowledgeAll(world.connect(`away${i}`, options)), 1);
  }
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('counts wills, and refuses more of them where memory is short', () => {
  const world = new World({ limits: { heldBytesMax: 65_536 } });
  const will = { topic: 'w', payload: PAYLOAD, qos: 1, retain: false, properties: { willDelayInterval: 100 } } as const;
  const options = { will, properties: { sessionExpiryInterval: 1_000 } };
  let accepted = 0;
  while (world.open().handshake({ clientId: `w${accepted}`, ...options }).reasonCode === 0) accepted += 1;
  assert.ok(accepted >= 28 && accepted <= 34, `${accepted}`);
  for (let i = 0; i < accepted; i++) world.connect(`w${i}`, { cleanStart: true });
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('counts packets that are half read, and closes who sends a large one where memory is short', () => {
  const world = new World({ limits: { heldBytesMax: 100_000 } });
  const big = (client: TestClient) =>
    Buffer.from(encodePacket(client.publishPacket('t', { payload: Buffer.alloc(150_000) }), 5)).subarray(0, 90_000);
  const clients = ['a', 'b', 'c'].map((name) => world.connect(name));
  for (const client of clients) client.send(big(client));
  assert.ok(clients.some((client) => client.isClosed));
  for (const client of clients) client.break();
  world.run();
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('drops nothing of a stored session for want of memory where the store has a disk', async () => {
  const world = new World({ store: new LaterStore(), limits: { heldBytesMax: 65_536, inflightMessagesMax: 1 } });
  const options = { clientId: 's', cleanStart: false, properties: { sessionExpiryInterval: 1_000 } };
  const slow = world.open();
  slow.connect(options);
  await world.settle();
  slow.send({
    type: 'subscribe',
    packetId: 1,
    properties: {},
    subscriptions: [{ filter: 't', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
  await world.settle();
  slow.takeAll();
  const publisher = world.connect('p');
  for (let i = 0; i < 100; i++) publisher.publish('t', { qos: 1, payload: Buffer.alloc(4_000, i) });
  await world.settle();
  assert.ok(world.broker.pressure.heldBytes < 3 * 65_536, `${world.broker.pressure.heldBytes}`);
  const came: number[] = [];
  for (let round = 0; round < 300 && came.length < 100; round++) {
    for (const packet of slow.takeAll()) {
      if (packet.type !== 'publish') continue;
      came.push(packet.payload[0]);
      slow.acknowledge('puback', packet.packetId);
    }
    await world.settle();
    world.pass(100);
  }
  assert.deepEqual(
    came,
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 0);
});

test('reads no more of the queues of clients that come back than there is memory, and gives them all', () => {
  const world = new World({ store: new DiskStore(), limits: { heldBytesMax: 65_536 } });
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 1_000 } };
  const names = Array.from({ length: 10 }, (_, i) => `c${i}`);
  for (const name of names) {
    const client = world.connect(name, stored);
    client.subscribe(name, { qos: 1 });
    client.break();
    for (let i = 0; i < 50; i++) world.broker.publish(name, PAYLOAD, { qos: 1 });
  }
  world.run();
  assert.equal(world.broker.pressure.heldBytes, 0);
  // The first takes its page, and the rest one message each at a time.
  const clients = names.map((name) => world.connect(name, stored));
  assert.ok(world.broker.pressure.heldBytes < 300_000, `${world.broker.pressure.heldBytes}`);
  const came = clients.map(() => 0);
  for (let round = 0; round < 100; round++) {
    for (const [i, client] of clients.entries()) came[i] += acknowledgeAll(client);
    // Who is read slowly is read at each tick.
    world.pass(100);
  }
  assert.deepEqual(
    came,
    clients.map(() => 50),
  );
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('keeps nothing in memory for a full queue of who is away while memory is short', () => {
  const world = new World({
    store: new DiskStore(),
    limits: { heldBytesMax: 65_536, queueMessagesMax: 20 },
  });
  const away = world.connect('away', { cleanStart: false, properties: { sessionExpiryInterval: 1_000 } });
  away.subscribe('t', { qos: 1 });
  away.break();
  const waiting = world.connect('waiting', { properties: { receiveMaximum: 1 } });
  waiting.subscribe('held', { qos: 1 });
  for (let i = 0; i < 20; i++) world.broker.publish('held', PAYLOAD, { qos: 1 });
  world.run();
  const held = world.broker.pressure.heldBytes;
  assert.ok(held > 65_536);
  for (let i = 0; i < 30; i++) {
    world.broker.publish('t', PAYLOAD, { qos: 1 });
    world.run();
  }
  assert.equal(world.broker.pressure.heldBytes, held);
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 10);
});
