import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryStore } from './memory/store.ts';
import type { PacketOf, TestClient } from './testing/client.ts';
import { LaterStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 1_000 } };

/** Knows no Receive Maximum, so that it may send everything at once. */
const BURSTS = { protocolVersion: 4 } as const;

function publishes(client: TestClient): PacketOf<'publish'>[] {
  return client.takeAll().filter((packet) => packet.type === 'publish');
}

function texts(packets: readonly PacketOf<'publish'>[]): string[] {
  return packets.map((packet) => Buffer.from(packet.payload).toString());
}

test('delivers at the lower of both QoS [MQTT-3.8.4-8]', () => {
  const world = new World();
  const publisher = world.connect('p');
  for (const granted of [0, 1, 2] as const) {
    const subscriber = world.connect(`s${granted}`);
    subscriber.subscribe('t', { qos: granted });
    for (const qos of [0, 1, 2] as const) publisher.publish('t', { qos, payload: `${qos}` });
    assert.deepEqual(
      publishes(subscriber).map((packet) => packet.qos),
      [0, Math.min(1, granted), Math.min(2, granted)],
    );
    subscriber.disconnect();
  }
});

test('sends no more than Receive Maximum messages at once, and the rest in order [MQTT-3.3.4-9]', () => {
  const world = new World();
  const subscriber = world.connect('s', { properties: { receiveMaximum: 3 } });
  subscriber.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  for (let i = 0; i < 10; i++) publisher.publish('t', { qos: i % 2 === 0 ? 1 : 2, payload: `${i}` });
  const came: string[] = [];
  for (let round = 0; round < 10; round++) {
    const now = publishes(subscriber);
    came.push(...texts(now));
    assert.ok(now.length <= 3);
    for (const { qos, packetId } of now) {
      if (qos === 1) subscriber.acknowledge('puback', packetId);
      else {
        subscriber.acknowledge('pubrec', packetId);
        subscriber.packets.splice(
          subscriber.packets.findIndex((packet) => packet.type === 'pubrel'),
          1,
        );
        subscriber.acknowledge('pubcomp', packetId);
      }
    }
  }
  assert.deepEqual(came, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  assert.ok(world.broker.metrics.windowsClosed > 0);
});

test('sends unfinished messages again with DUP in their order, then what waited, when a session is resumed [MQTT-4.4.0-1, MQTT-4.6.0-1]', () => {
  const world = new World();
  const first = world.connect('s', { ...STORED, properties: { sessionExpiryInterval: 1_000, receiveMaximum: 4 } });
  first.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  for (let i = 0; i < 8; i++) publisher.publish('t', { qos: i % 2 === 0 ? 1 : 2, payload: `${i}` });
  const before = publishes(first);
  assert.deepEqual(texts(before), ['0', '1', '2', '3']);
  first.break();

  const second = world.connect('s', STORED);
  const again = publishes(second);
  assert.deepEqual(texts(again), ['0', '1', '2', '3', '4', '5', '6', '7']);
  assert.deepEqual(
    again.map((packet) => packet.dup),
    [true, true, true, true, false, false, false, false],
  );
  assert.deepEqual(
    again.slice(0, 4).map((packet) => packet.packetId),
    before.map((packet) => packet.packetId),
  );
});

test('sends only PUBREL for what was received, and never that PUBLISH, when a session is resumed [MQTT-4.3.3-6, MQTT-4.4.0-1]', () => {
  const world = new World();
  const first = world.connect('s', STORED);
  first.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  for (const payload of ['a', 'b', 'c']) publisher.publish('t', { qos: 2, payload });
  const sent = publishes(first);
  first.acknowledge('pubrec', sent[0].packetId);
  first.acknowledge('pubrec', sent[1].packetId);
  first.break();

  const second = world.connect('s', STORED);
  assert.deepEqual(
    second
      .takeAll()
      .map((packet) => [packet.type, 'packetId' in packet && packet.packetId, 'dup' in packet && packet.dup]),
    [
      ['pubrel', sent[0].packetId, false],
      ['pubrel', sent[1].packetId, false],
      ['publish', sent[2].packetId, true],
    ],
  );
  second.acknowledge('pubcomp', sent[0].packetId);
  second.acknowledge('pubcomp', sent[1].packetId);
  second.acknowledge('pubrec', sent[2].packetId);
  assert.equal(second.take('pubrel').packetId, sent[2].packetId);
  second.acknowledge('pubcomp', sent[2].packetId);
  assert.equal([...world.broker.sessions()].find((session) => session.clientId === 's')?.inflightMessages, 0);
});

test('holds to the Receive Maximum of the new connection, PUBRELs included, when a session is resumed', () => {
  const world = new World();
  const first = world.connect('s', STORED);
  first.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  for (let i = 0; i < 6; i++) publisher.publish('t', { qos: 2, payload: `${i}` });
  const sent = publishes(first);
  for (const { packetId } of sent.slice(0, 2)) first.acknowledge('pubrec', packetId);
  first.break();
  const second = world.connect('s', {
    cleanStart: false,
    properties: { sessionExpiryInterval: 1_000, receiveMaximum: 3 },
  });
  assert.deepEqual(
    second.takeAll().map((packet) => packet.type),
    ['pubrel', 'pubrel', 'publish'],
  );
});

test('answers PUBREC for an unknown identifier with PUBREL 0x92, and a failed PUBREC with nothing [MQTT-4.3.3-4]', () => {
  const world = new World();
  const client = world.connect('s');
  client.acknowledge('pubrec', 77);
  assert.deepEqual(client.take('pubrel'), { type: 'pubrel', packetId: 77, reasonCode: 0x92, properties: {} });
  client.acknowledge('pubrec', 78, 0x97);
  assert.deepEqual(client.takeAll(), []);
});

test('forgets a message that the client refuses in PUBREC and goes on with the next', () => {
  const world = new World();
  const client = world.connect('s', { properties: { receiveMaximum: 1 } });
  client.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 2, payload: 'a' });
  publisher.publish('t', { qos: 2, payload: 'b' });
  const [first] = publishes(client);
  client.acknowledge('pubrec', first.packetId, 0x97);
  assert.deepEqual(texts(publishes(client)), ['b']);
});

test('ignores acknowledgements of what was never sent', () => {
  const world = new World();
  const client = world.connect('s');
  client.acknowledge('puback', 5);
  client.acknowledge('pubcomp', 6);
  assert.deepEqual(client.takeAll(), []);
  assert.equal(client.isClosed, false);
});

test('keeps the order of what waited when a stored session is resumed with a Session Expiry Interval of 0', () => {
  const world = new World();
  const first = world.connect('s', STORED);
  first.subscribe('t', { qos: 1 });
  first.break();
  const publisher = world.connect('p', BURSTS);
  const chunk: number[] = [];
  for (let i = 0; i < 2_500; i++) chunk.push(i);
  for (const i of chunk) publisher.write(publisher.publishPacket('t', { qos: 1, payload: `${i}` }));
  world.run();
  const second = world.connect('s', { cleanStart: false, properties: { receiveMaximum: 100 } });
  publisher.publish('t', { qos: 1, payload: 'last' });
  const came: string[] = [];
  for (let round = 0; round < 40; round++) {
    const now = publishes(second);
    came.push(...texts(now));
    second.send(...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })));
  }
  assert.deepEqual(came, [...chunk.map(String), 'last']);
});

for (const later of [false, true]) {
  test(`reads what an absent client missed from a store that answers ${later ? 'later' : 'at once'}, all of it and in order`, async () => {
    const store = later ? new LaterStore() : new MemoryStore();
    const world = new World({ store });
    const first = world.open();
    first.connect({ clientId: 's', ...STORED });
    await world.settle();
    first.write({
      type: 'subscribe',
      packetId: 1,
      properties: {},
      subscriptions: [{ filter: 't', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    });
    await world.settle();
    first.break();
    const publisher = world.connect('p', BURSTS);
    const count = 6_000;
    for (let i = 0; i < count; i++) publisher.write(publisher.publishPacket('t', { qos: 1, payload: `${i}` }));
    await world.settle();
    const second = world.open();
    second.connect({ clientId: 's', ...STORED });
    await world.settle();
    second.take('connack');
    const came: string[] = [];
    for (let round = 0; round < 30 && came.length < count; round++) {
      const now = publishes(second);
      came.push(...texts(now));
      second.send(...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })));
      await world.settle();
    }
    assert.equal(came.length, count);
    assert.ok(came.every((text, i) => text === `${i}`));
    assert.equal(world.broker.pressure.heldBytes, 0);
    const info = [...world.broker.sessions()].find((session) => session.clientId === 's');
    assert.deepEqual([info?.queuedMessages, info?.inflightMessages], [0, 0]);
  });
}

test('gives back the bytes of a queue that is partly in the store alone when its session ends', () => {
  const world = new World();
  const client = world.connect('s', STORED);
  client.subscribe('t', { qos: 1 });
  client.break();
  const publisher = world.connect('p', BURSTS);
  for (let i = 0; i < 3_000; i++) publisher.write(publisher.publishPacket('t', { qos: 1, payload: 'x' }));
  world.run();
  assert.ok(world.broker.pressure.heldBytes > 3_000 * 65);
  world.connect('s', { cleanStart: true });
  assert.equal(world.broker.pressure.heldBytes, 0);
  assert.equal(world.broker.metrics.messagesDroppedSessionEnd, 3_000);
});

test('counts Packet Identifiers on over 65535 messages and begins again with 1 [MQTT-2.2.1-3]', () => {
  const world = new World();
  const subscriber = world.connect('s');
  subscriber.subscribe('t', { qos: 1 });
  const publisher = world.connect('p');
  const packet = publisher.publishPacket('t', { qos: 1, packetId: 1, payload: '' });
  const total = 66_000;
  let expected = 0;
  for (let sent = 0; sent < total; sent += 500) {
    publisher.send(...new Array(500).fill(packet));
    publisher.packets.length = 0;
    const now = publishes(subscriber);
    assert.equal(now.length, 500);
    for (const { packetId } of now) {
      expected = (expected % 65_535) + 1;
      assert.equal(packetId, expected);
    }
    subscriber.send(
      ...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })),
    );
  }
});

test('drops the new message for a full queue, counts it, tells it, and acknowledges its publisher', () => {
  const world = new World({ limits: { queueMessagesMax: 3 } });
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('t', { qos: 1 });
  subscriber.break();
  const publisher = world.connect('p');
  for (let i = 0; i < 5; i++) publisher.publish('t', { qos: 1, payload: `${i}` });
  assert.deepEqual(
    publisher.takeAll().map((packet) => (packet.type === 'puback' ? packet.reasonCode : packet.type)),
    [0, 0, 0, 0, 0],
  );
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 2);
  assert.equal(world.told('limitReached')[0].limit, 'queueMessagesMax');
  assert.deepEqual(texts(publishes(world.connect('s', STORED))), ['0', '1', '2']);
});

test('drops the oldest message for a full queue where the settings say so', () => {
  const world = new World({ limits: { queueMessagesMax: 3 }, settings: { queueFull: 'drop-oldest' } });
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('t', { qos: 1 });
  subscriber.break();
  const publisher = world.connect('p');
  for (let i = 0; i < 5; i++) publisher.publish('t', { qos: 1, payload: `${i}` });
  assert.equal(world.broker.metrics.messagesDroppedQueueFull, 2);
  assert.deepEqual(texts(publishes(world.connect('s', STORED))), ['2', '3', '4']);
});

test('holds queueBytesMax when a large message comes for a queue of small ones', () => {
  const world = new World({ limits: { queueBytesMax: 4_096 }, settings: { queueFull: 'drop-oldest' } });
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('t', { qos: 1 });
  subscriber.break();
  const publisher = world.connect('p');
  for (let i = 0; i < 40; i++) publisher.publish('t', { qos: 1, payload: `${i}` });
  for (let i = 0; i < 10; i++) publisher.publish('t', { qos: 1, payload: Buffer.alloc(1_000) });
  assert.ok(world.broker.pressure.heldBytes <= 4_096, `${world.broker.pressure.heldBytes} bytes are held`);
});

test('drops the oldest of a queue that is longer than what is in memory, from the front on', () => {
  const world = new World({ limits: { queueMessagesMax: 2_600 }, settings: { queueFull: 'drop-oldest' } });
  const subscriber = world.connect('s', STORED);
  subscriber.subscribe('t', { qos: 1 });
  subscriber.break();
  const publisher = world.connect('p', BURSTS);
  for (let i = 0; i < 5_400; i++) {
    publisher.write(publisher.publishPacket('t', { qos: 1, payload: `${i}` }));
    if (i % 300 === 299) world.run();
  }
  const second = world.connect('s', STORED);
  const came: string[] = [];
  for (let round = 0; round < 10; round++) {
    const now = publishes(second);
    came.push(...texts(now));
    second.send(...now.map(({ packetId }) => ({ type: 'puback' as const, packetId, reasonCode: 0, properties: {} })));
  }
  assert.equal(came.length, 2_600);
  assert.deepEqual([came[0], came.at(-1)], ['2800', '5399']);
});

test('drops what has expired in the queue, and sends the rest with the seconds left [MQTT-3.3.2-5, MQTT-3.3.2-6]', () => {
  const world = new World();
  const client = world.connect('s', STORED);
  client.subscribe('t', { qos: 1 });
  client.break();
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 1, payload: 'short', properties: { messageExpiryInterval: 5 } });
  publisher.publish('t', { qos: 1, payload: 'long', properties: { messageExpiryInterval: 100 } });
  world.pass(7_300);
  const [only, ...rest] = publishes(world.connect('s', STORED));
  assert.deepEqual(
    [Buffer.from(only.payload).toString(), only.properties.messageExpiryInterval, rest.length],
    ['long', 92, 0],
  );
  assert.equal(world.broker.metrics.messagesExpired, 1);
});

test('sends what was begun again even after its expiry, with 1 second left [MQTT-4.3.3-7]', () => {
  const world = new World();
  const client = world.connect('s', STORED);
  client.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 2, payload: 'a', properties: { messageExpiryInterval: 2 } });
  client.break();
  world.pass(5_000);
  const [again] = publishes(world.connect('s', STORED));
  assert.deepEqual([again.dup, again.properties.messageExpiryInterval], [true, 1]);
});

test('hands what a shared subscription gave to another member when the session ends, but no QoS 2 message that was sent [MQTT-4.8.2-4, MQTT-4.8.2-5]', () => {
  const world = new World();
  const leaving = world.connect('leaving', { ...STORED, properties: { sessionExpiryInterval: 5, receiveMaximum: 2 } });
  leaving.subscribe('$share/g/t', { qos: 2 });
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 2, payload: 'sent at 2' });
  publisher.publish('t', { qos: 1, payload: 'sent at 1' });
  publisher.publish('t', { qos: 2, payload: 'waited at 2' });
  publisher.publish('t', { qos: 1, payload: 'waited at 1' });
  assert.deepEqual(texts(publishes(leaving)), ['sent at 2', 'sent at 1']);
  const staying = world.connect('staying');
  staying.subscribe('$share/g/t', { qos: 2 });
  leaving.break();
  world.pass(4_000);
  assert.deepEqual(publishes(staying), []);
  world.pass(2_000);
  assert.deepEqual(texts(publishes(staying)), ['sent at 1', 'waited at 2', 'waited at 1']);
  assert.equal(world.broker.metrics.sharedHandedOver, 3);
});

test('hands no message over that has expired', () => {
  const world = new World();
  const leaving = world.connect('leaving', { properties: { sessionExpiryInterval: 10 } });
  leaving.subscribe('$share/g/t', { qos: 1 });
  const publisher = world.connect('p');
  leaving.break();
  publisher.publish('t', { qos: 1, payload: 'old', properties: { messageExpiryInterval: 3 } });
  publisher.publish('t', { qos: 1, payload: 'fresh', properties: { messageExpiryInterval: 60 } });
  const staying = world.connect('staying');
  staying.subscribe('$share/g/t', { qos: 1 });
  world.pass(11_000);
  assert.deepEqual(texts(publishes(staying)), ['fresh']);
});

test('hands over what waits in the store alone as well', async () => {
  const world = new World();
  const leaving = world.connect('leaving', { properties: { sessionExpiryInterval: 5 } });
  leaving.subscribe('$share/g/t', { qos: 1 });
  leaving.break();
  const publisher = world.connect('p', BURSTS);
  for (let i = 0; i < 2_500; i++) publisher.write(publisher.publishPacket('t', { qos: 1, payload: `${i}` }));
  world.run();
  const staying = world.connect('staying', { protocolVersion: 4 });
  staying.subscribe('$share/g/t', { qos: 0 });
  world.pass(6_000);
  await world.settle();
  const came = texts(publishes(staying));
  assert.deepEqual([came.length, came[0], came.at(-1)], [2_500, '0', '2499']);
  assert.equal(world.broker.metrics.messagesDroppedSessionEnd, 0);
});

test('counts a message above the Maximum Packet Size of the client as delivered [MQTT-3.1.2-24, MQTT-3.1.2-25]', () => {
  const world = new World();
  const client = world.connect('s', { properties: { maximumPacketSize: 200, sessionExpiryInterval: 100 } });
  client.subscribe('t', { qos: 2 });
  const publisher = world.connect('p');
  for (const qos of [0, 1, 2] as const) publisher.publish('t', { qos, payload: Buffer.alloc(300) });
  publisher.publish('t', { qos: 1, payload: 'fits' });
  assert.deepEqual(texts(publishes(client)), ['fits']);
  assert.equal(world.broker.metrics.messagesDroppedTooLarge, 3);
  const info = [...world.broker.sessions()].find((session) => session.clientId === 's');
  assert.deepEqual([info?.queuedMessages, info?.inflightMessages], [0, 1]);
});

test('loses no QoS 1 message and repeats no QoS 2 message, whatever breaks in between, and keeps their order', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('publish' as const), qos: fc.constantFrom(1 as const, 2 as const) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('acknowledge' as const), qos: fc.constant(1 as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), qos: fc.constant(1 as const) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (steps, receiveMaximum) => {
      const options = { cleanStart: false, properties: { sessionExpiryInterval: 1_000, receiveMaximum } };
      const world = new World();
      let client = world.connect('s', options);
      client.subscribe('t', { qos: 2 });
      const publisher = world.connect('p');
      const sent: string[] = [];
      const once = new Map<number, string>();
      const came = new Set<string>();
      const order: string[] = [];
      const answerOne = () => {
        const packet = client.packets.shift();
        if (packet?.type === 'publish') {
          const text = Buffer.from(packet.payload).toString();
          const isNew = packet.qos === 1 || !once.has(packet.packetId);
          if (packet.qos === 2 && isNew) assert.ok(!came.has(text), `${text} came twice`);
          if (!came.has(text)) order.push(text);
          came.add(text);
          if (packet.qos === 2) once.set(packet.packetId, text);
          client.acknowledge(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
        } else if (packet?.type === 'pubrel') {
          once.delete(packet.packetId);
          client.acknowledge('pubcomp', packet.packetId);
        }
        return packet !== undefined;
      };
      for (const { do: what, qos } of steps) {
        if (what === 'publish') {
          sent.push(`${sent.length}`);
          publisher.publish('t', { qos, payload: sent.at(-1) });
        } else if (what === 'acknowledge') answerOne();
        else {
          client.break();
          client = world.connect('s', options);
        }
      }
      for (let i = 0; i < 1_000 && answerOne(); i++);
      assert.deepEqual(order, sent);
    }),
    { numRuns: 60 },
  );
});

test('counts what a client has not acknowledged among the bytes held, through resuming and to the end', () => {
  const world = new World();
  const first = world.connect('s', STORED);
  first.subscribe('t', { qos: 1 });
  const publisher = world.connect('p');
  for (let i = 0; i < 3; i++) publisher.publish('t', { qos: 1, payload: 'x'.repeat(1_000) });
  const held = world.broker.pressure.heldBytes;
  assert.ok(held > 3_000, `${held}`);
  first.wire.destroy();
  world.run();
  assert.equal(world.broker.pressure.heldBytes, held);
  const second = world.connect('s', STORED);
  assert.equal(world.broker.pressure.heldBytes, held);
  const [one] = publishes(second);
  second.send({ type: 'puback', packetId: one.packetId, reasonCode: 0, properties: {} });
  assert.equal(world.broker.pressure.heldBytes, (held / 3) * 2);
  second.disconnect();
  world.connect('s');
  assert.equal(world.broker.pressure.heldBytes, 0);
});

test('drops what would have to wait when twice heldBytesMax is held, for all sessions together', () => {
  const world = new World({ limits: { heldBytesMax: 64 * 1024 } });
  for (const name of ['s', 't']) {
    const client = world.connect(name, STORED);
    client.subscribe(name, { qos: 1 });
    client.wire.destroy();
    world.run();
  }
  const publisher = world.connect('p', BURSTS);
  for (let i = 0; i < 20; i++)
    for (const name of ['s', 't']) {
      publisher.publish(name, { qos: 1, payload: 'x'.repeat(8_000) });
      world.clock.pass(100);
      world.run();
    }
  assert.ok(world.broker.pressure.heldBytes < 140 * 1024, `${world.broker.pressure.heldBytes}`);
  assert.ok(world.broker.metrics.messagesDroppedQueueFull > 20);
  assert.ok(world.told('limitReached').some((event) => event.limit === 'heldBytesMax'));
});

test('shares the time for retained messages between all who wait for them, one filter of one client after the other', () => {
  const world = new World();
  const publisher = world.connect('p');
  for (let i = 0; i < 40; i++) publisher.publish(`r/${i}`, { retain: true, payload: `${i}` });
  const clients = ['a', 'b'].map((name) => world.connect(name));
  // Each look takes longer than a slice: nobody comes far in one turn.
  world.clock.msPerLook = 10;
  const subscriptions = ['r/+', 'r/1', 'r/#', 'r/+'].map((filter) => ({
    filter,
    qos: 0 as const,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0 as const,
  }));
  for (const client of clients) client.send({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
  const all = Array.from({ length: 40 }, (_, i) => `${i}`);
  // The second "r/+" took the place of the first, behind the others.
  for (const client of clients) assert.deepEqual(texts(publishes(client)), ['1', ...all, ...all]);
});
