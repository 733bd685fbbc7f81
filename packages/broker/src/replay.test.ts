import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory/store.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore, LaterStore } from './testing/store.ts';
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

for (const later of [false, true]) {
  test(`keeps QoS 2 within queueMessagesMax where the store answers ${later ? 'later' : 'at once'}, and drops nothing live for it`, async () => {
    const world = new World({ limits: { queueMessagesMax: 2 }, ...(later ? { store: new LaterStore() } : {}) });
    for (let i = 0; i < 200; i++) world.broker.publish(`t/${i}`, Buffer.from('old'), { retain: true, qos: 2 });
    const client = await world.admit('a', { properties: { receiveMaximum: 10, sessionExpiryInterval: 100 } });
    subscribeAll(client, 2);
    await world.settle();
    assert.equal(world.broker.sessionsById.get('a')?.inflightMessages, 10);
    world.broker.publish('live', Buffer.from('live'), { qos: 1 });
    const came: string[] = [];
    for (let round = 0; round < 300 && came.length < 201; round++) {
      came.push(...client.answerAll().map(({ topic }) => topic));
      assert.ok((world.broker.sessionsById.get('a')?.queuedMessages ?? 0) <= 2);
      await world.settle();
    }
    assert.deepEqual([came.length, new Set(came).size, came.includes('live')], [201, 201, true]);
    assert.equal(world.broker.metrics.messagesDroppedQueueFull, 0);
  });
}

test('loses nothing at QoS 0 to a client that does not read, within a small outboxBytesMax', () => {
  const world = new World({ limits: { outboxBytesMax: 4_096 } });
  for (let i = 0; i < 500; i++) world.broker.publish(`t/${i}`, Buffer.alloc(100), { retain: true });
  const client = world.connect('a', { wire: { highWaterBytes: 1_000 } });
  client.wire.pause();
  subscribeAll(client, 0);
  for (let i = 0; i < 20; i++) {
    world.pass(100);
    assert.ok([...world.broker.connections].every(({ unsentBytes }) => unsentBytes <= 8_192));
  }
  client.wire.resume();
  world.run();
  assert.equal(publishes(client).length, 500);
  assert.equal(world.broker.metrics.messagesDroppedSlow, 0);
});

/** One message at a time, of a session that is kept. */
const SLOWLY = { cleanStart: false, properties: { receiveMaximum: 1, sessionExpiryInterval: 100 } };

/** A broker with retained messages on "t/1" to "t/9", at QoS 1. */
function withNine(): World {
  const world = new World();
  for (let i = 1; i <= 9; i++) retain(world, `t/${i}`, `old ${i}`);
  return world;
}

function retain(world: World, topic: string, text: string, qos: 0 | 1 = 1): void {
  world.broker.publish(topic, Buffer.from(text), { retain: true, qos });
  world.run();
}

/** Takes all that comes, acknowledging each; "=" where it is retained. */
function readAll(client: TestClient): string[] {
  const texts: string[] = [];
  for (let round = 0; round < 100; round++) {
    const now = client.answerAll();
    if (now.length === 0) return texts;
    texts.push(...now.map(({ retain, payload }) => `${retain ? '=' : ''}${Buffer.from(payload)}`));
  }
  return assert.fail('the messages do not end');
}

test('goes on when a stored session is resumed, as often as the connection breaks, each message acknowledged once', () => {
  const world = withNine();
  let client = world.connect('a', SLOWLY);
  subscribeAll(client, 1);
  world.run();
  const acknowledged: string[] = [];
  for (let round = 0; round < 30; round++) {
    const [next] = publishes(client);
    if (next === undefined) break;
    if (round % 3 === 0) {
      client.break();
      client = world.connect('a', SLOWLY);
      const [again] = publishes(client);
      assert.deepEqual([again.topic, again.dup, again.packetId], [next.topic, true, next.packetId]);
    }
    acknowledged.push(`${next.retain ? '=' : ''}${Buffer.from(next.payload)}`);
    client.acknowledge('puback', next.packetId);
  }
  assert.deepEqual(
    acknowledged,
    Array.from({ length: 9 }, (_, i) => `=old ${i + 1}`),
  );
  client.break();
  assert.deepEqual(readAll(world.connect('a', SLOWLY)), []);
});

test('makes good what came at QoS 0 while the client was away, once, and nothing that its queue has', () => {
  const world = withNine();
  const first = world.connect('a', SLOWLY);
  subscribeAll(first, 1);
  world.run();
  retain(world, 't/2', 'while there', 0);
  first.break();
  retain(world, 't/3', 'missed 3', 0);
  retain(world, 't/4', 'queued 4', 1);
  retain(world, 't/5', '', 0);
  const second = world.connect('a', SLOWLY);
  retain(world, 't/6', 'live 6', 0);
  second.break();
  retain(world, 't/7', 'missed 7', 0);
  retain(world, 't/3', 'missed 3 again', 0);
  const third = world.connect('a', SLOWLY);
  retain(world, 't/8', 'live 8', 0);
  assert.deepEqual(readAll(first), ['=old 1', 'while there']);
  assert.deepEqual(readAll(second), ['=old 1', 'live 6']);
  // Sent again, live, from the queue, then the rest of the replay and what was missed.
  assert.deepEqual(readAll(third), ['=old 1', 'live 8', 'queued 4', '=old 9', '=missed 3 again', '=missed 7']);
});

test('judges what came while the client was away by the QoS that its subscription had then', () => {
  const world = withNine();
  const first = world.connect('a', SLOWLY);
  subscribeAll(first, 1);
  world.run();
  first.break();
  retain(world, 't/3', 'queued 3', 1);
  const second = world.connect('a', SLOWLY);
  second.send(second.subscribePacket('#', { qos: 0, retainHandling: 1 }));
  assert.deepEqual(readAll(second), ['=old 1', 'queued 3', ...[2, 4, 5, 6, 7, 8, 9].map((i) => `=old ${i}`)]);
});

test('brings a client nothing of its own will of meanwhile where No Local forbids it [MQTT-3.8.3-3]', () => {
  for (const noLocal of [true, false]) {
    const world = withNine();
    const will = { topic: 't/5', payload: Buffer.from('will'), qos: 0 as const, retain: true, properties: {} };
    const first = world.connect('a', { ...SLOWLY, will });
    first.send(first.subscribePacket('#', { qos: 1, noLocal }));
    first.break();
    retain(world, 't/6', 'of another', 0);
    const came = readAll(world.connect('a', SLOWLY));
    assert.deepEqual([came.includes('=will'), came.includes('=of another')], [!noLocal, true]);
  }
});

test('goes on with the options of a SUBSCRIBE with Retain Handling 1 that comes meanwhile', () => {
  const world = withNine();
  const client = world.connect('a', SLOWLY);
  client.send(client.subscribePacket('#', { qos: 1, identifier: 1 }));
  client.take('suback');
  const first = client.take('publish');
  client.send(client.subscribePacket('#', { qos: 0, identifier: 2, retainHandling: 1 }));
  client.acknowledge('puback', first.packetId);
  const rest = publishes(client);
  assert.deepEqual(
    [first, ...rest].map(({ topic, qos, properties }) => [topic, qos, ...(properties.subscriptionIdentifiers ?? [])]),
    Array.from({ length: 9 }, (_, i) => (i === 0 ? ['t/1', 1, 1] : [`t/${i + 1}`, 0, 2])),
  );
});

for (const known of [[], ['of/before']])
  test(`brings a retained message of a new topic that comes while CONNACK waits to a pipelined subscription, ${known.length} topics known`, async () => {
    const store = new HeldStore();
    const world = new World({ store });
    for (const topic of known) world.broker.publish(topic, Buffer.from('before'), { retain: true });
    await store.letAllThrough(world);
    const client = world.open();
    client.send(
      client.connectPacket({ clientId: 'a', properties: { sessionExpiryInterval: 100 } }),
      client.subscribePacket('+/t'),
    );
    world.broker.publish('new/t', Buffer.from('v1'), { retain: true });
    await store.letAllThrough(world);
    assert.deepEqual(
      client.takeAll().map((packet) => packet.type),
      ['connack', 'suback', 'publish'],
    );
  });

for (const [before, after] of [
  [1, 0],
  [0, 1],
] as const)
  test(`brings what is retained while CONNACK waits once where a pipelined SUBSCRIBE changes QoS ${before} to ${after}`, async () => {
    const store = new HeldStore();
    const world = new World({ store });
    const through = () => store.letAllThrough(world);
    const options = { cleanStart: false, properties: { receiveMaximum: 1, sessionExpiryInterval: 100 } };
    for (let i = 1; i <= 3; i++) world.broker.publish(`t/${i}`, Buffer.from('old'), { retain: true, qos: 1 });
    const first = await world.admit('a', options, through);
    first.send(first.subscribePacket('u', { qos: 1 }));
    await through();
    // One in flight and one in the queue hold the replay back.
    for (let i = 0; i < 2; i++) world.broker.publish('u', Buffer.from('x'), { qos: 1 });
    await through();
    first.send(first.subscribePacket('t/#', { qos: before }));
    await through();
    first.break();
    await through();
    const second = world.open();
    second.send(
      second.connectPacket({ clientId: 'a', ...options }),
      second.subscribePacket('t/#', { qos: after, retainHandling: 1 }),
    );
    world.broker.publish('t/2', Buffer.from('new'), { retain: true, qos: 1 });
    await through();
    const came: string[] = [];
    for (let round = 0; round < 20; round++) {
      came.push(...second.answerAll().map(({ payload }) => Buffer.from(payload).toString()));
      await through();
    }
    assert.equal(came.filter((text) => text === 'new').length, 1);
  });

test('sends what is not durable yet when it is, once, and what comes after the subscription live', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const publisher = world.connect('p');
  const client = world.connect('c');
  publisher.publish('a', { payload: 'under way', retain: true });
  world.run();
  publisher.publish('b', { payload: 'gathers', retain: true });
  client.subscribe('+', { qos: 0 });
  publisher.publish('a', { payload: 'live', retain: true });
  await world.settle();
  assert.deepEqual(client.takePayloads(), ['live']);
  store.letThrough();
  await world.settle();
  assert.deepEqual(client.takePayloads(), []);
  await store.letAllThrough(world);
  assert.deepEqual(client.takePayloads(), ['gathers']);
});

test('keeps no page of the store while its client is away', () => {
  const store = new MemoryStore();
  const { retained } = store;
  const cursor = retained.cursor.bind(retained);
  let pauses = 0;
  retained.cursor = (filter) => {
    const made = cursor(filter);
    return {
      get isDone() {
        return made.isDone;
      },
      next: (looksMax) => made.next(looksMax),
      pause: () => {
        pauses += 1;
      },
    };
  };
  const world = filled(new World({ store }), 100);
  const client = world.connect('a', {
    cleanStart: false,
    properties: { sessionExpiryInterval: 100, receiveMaximum: 1 },
  });
  subscribeAll(client, 1);
  world.run();
  assert.deepEqual([publishes(client).length, pauses], [1, 0]);
  client.break();
  assert.equal(pauses, 1);
});
