import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestClient } from './testing/client.ts';
import { World } from './testing/world.ts';

const COUNT = 20_000;

/** A broker with that many retained messages. */
function filled(world: World, count = COUNT): World {
  for (let i = 0; i < count; i++)
    world.broker.publish(`fleet/${i % 100}/${i}`, Buffer.from('old'), { retain: true, qos: 1 });
  world.run();
  return world;
}

function subscribeAll(client: TestClient, qos: 0 | 1 | 2): void {
  client.write({
    type: 'subscribe',
    packetId: 1,
    properties: {},
    subscriptions: [{ filter: '#', qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  });
}

function publishes(client: TestClient) {
  return client.takeAll().filter((packet) => packet.type === 'publish');
}

test('sends every retained message once to a subscription of "#", none through the queue, RETAIN 1', () => {
  const world = filled(new World({ limits: { queueMessagesMax: 10 } }));
  const client = world.connect('a', {
    properties: { receiveMaximum: 500, sessionExpiryInterval: 100 },
    wire: { highWaterBytes: 1 << 30 },
  });
  subscribeAll(client, 1);
  const topics = new Set<string>();
  for (let round = 0; round < COUNT; round++) {
    world.run();
    const now = publishes(client);
    if (now.length === 0) break;
    assert.ok(now.length <= 500);
    for (const packet of now) {
      assert.deepEqual([packet.retain, packet.dup, topics.has(packet.topic)], [true, false, false]);
      topics.add(packet.topic);
    }
    assert.equal([...world.broker.sessions()][0].queuedMessages, 0);
    client.write(...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })));
  }
  assert.equal(topics.size, COUNT);
  assert.equal(world.broker.pressure.heldBytes, 0);
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 0);
});

test('replays in slices of time, so that others are served in between', () => {
  const world = filled(new World());
  const client = world.connect('a', { wire: { highWaterBytes: 1 << 30 } });
  const other = world.connect('other');
  // Each look at the clock takes long, as if the thread were slow.
  world.clock.msPerLook = 3;
  subscribeAll(client, 0);
  let turns = 0;
  const received = client.received.bind(client);
  client.received = (chunk) => {
    turns += 1;
    received(chunk);
  };
  other.write({ type: 'pingreq' });
  world.run();
  assert.equal(publishes(client).length, COUNT);
  assert.ok(turns > 50, `${turns} slices`);
  other.take('pingresp');
});

test('pauses while the client does not read, and holds little meanwhile', () => {
  const world = filled(new World());
  const client = world.connect('a');
  client.wire.pause();
  subscribeAll(client, 0);
  world.run();
  assert.ok(world.broker.pool.waitingBytes < 400_000);
  client.wire.resume();
  world.run();
  assert.equal(publishes(client).length, COUNT);
  assert.equal(world.broker.metrics.messagesDroppedSlow, 0);
});

test('reads the value of each topic when it comes to it, and never sends an older one after a newer one', () => {
  const world = filled(new World(), 2_000);
  const client = world.connect('a', { properties: { receiveMaximum: 10 } });
  subscribeAll(client, 1);
  world.run();
  const last = new Map<string, string>();
  let changes = 0;
  for (let round = 0; round < 2_000; round++) {
    const now = publishes(client);
    if (now.length === 0) break;
    for (const packet of now) {
      const text = Buffer.from(packet.payload).toString();
      if (last.get(packet.topic) === 'new') assert.equal(text, 'new', packet.topic);
      last.set(packet.topic, text);
    }
    // Topics that were sent and topics that were not change in between.
    if (changes < 400) {
      const i = (changes * 7) % 2_000;
      world.broker.publish(`fleet/${i % 100}/${i}`, Buffer.from('new'), { retain: true, qos: 1 });
      changes += 1;
    }
    client.send(...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })));
  }
  assert.equal(last.size, 2_000);
  for (let change = 0; change < changes; change++) {
    const i = (change * 7) % 2_000;
    assert.equal(last.get(`fleet/${i % 100}/${i}`), 'new');
  }
});

test('passes over what was deleted or has expired before it came to it', () => {
  const world = filled(new World(), 200);
  world.broker.publish('brief', Buffer.from('x'), { retain: true, qos: 1, properties: { messageExpiryInterval: 2 } });
  const client = world.connect('a', { properties: { receiveMaximum: 1 } });
  subscribeAll(client, 1);
  world.run();
  for (let i = 0; i < 200; i++) world.broker.publish(`fleet/${i % 100}/${i}`, Buffer.alloc(0), { retain: true });
  world.pass(3_000);
  const first = publishes(client).filter((packet) => packet.retain);
  assert.equal(first.length, 1);
  client.acknowledge('puback', first[0].packetId);
  assert.deepEqual(
    publishes(client).filter((packet) => packet.retain),
    [],
  );
});

test('sends retained messages of QoS 2 through the window as well, also to a stored session', () => {
  const world = new World();
  for (let i = 0; i < 50; i++) world.broker.publish(`t/${i}`, Buffer.from('x'), { retain: true, qos: 2 });
  const client = world.connect('a', { properties: { receiveMaximum: 7, sessionExpiryInterval: 10 } });
  subscribeAll(client, 2);
  world.run();
  const topics = new Set<string>();
  for (let i = 0; i < 500; i++) {
    const packet = client.packets.shift();
    if (packet === undefined) break;
    if (packet.type === 'publish') {
      topics.add(packet.topic);
      client.acknowledge('pubrec', packet.packetId);
    } else if (packet.type === 'pubrel') client.acknowledge('pubcomp', packet.packetId);
  }
  assert.equal(topics.size, 50);
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('ends with its connection, and what was sent of it is sent again on the next', () => {
  const world = new World();
  for (let i = 0; i < 50; i++) world.broker.publish(`t/${i}`, Buffer.from('x'), { retain: true, qos: 1 });
  const options = { cleanStart: false, properties: { receiveMaximum: 5, sessionExpiryInterval: 10 } };
  const first = world.connect('a', options);
  subscribeAll(first, 1);
  world.run();
  assert.equal(publishes(first).length, 5);
  first.break();
  const again = publishes(world.connect('a', options));
  assert.deepEqual(
    again.map((packet) => [packet.dup, packet.retain]),
    new Array(5).fill([true, true]),
  );
});
