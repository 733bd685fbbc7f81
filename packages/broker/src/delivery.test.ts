import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, type Properties, type PublishPacket } from '@dunlin/protocol';
import { sampleMessage } from './contract/samples.ts';
import { fits } from './delivery.ts';
import { Message } from './message.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

function publishes(client: TestClient): PublishPacket[] {
  return client.takeAll().filter((packet) => packet.type === 'publish');
}

for (const qos of [0, 1, 2] as const) {
  test(`sends at QoS ${qos} exactly what keeps within the Maximum Packet Size of the client, identifier and expiry counted [MQTT-3.1.2-24]`, () => {
    const properties: Properties = { messageExpiryInterval: 100, contentType: 'x' };
    const sizes = Array.from({ length: 130 }, (_, i) => i);
    for (const identifier of [undefined, 200_000_000]) {
      const world = new World();
      const client = world.connect('a', { properties: { maximumPacketSize: 100 } });
      client.subscribe('t', { qos, identifier });
      const publisher = world.connect('p');
      for (const size of sizes) publisher.publish('t', { qos, payload: Buffer.alloc(size), properties });
      const identifiers = identifier === undefined ? {} : { subscriptionIdentifiers: [identifier] };
      const expected = sizes.filter((size) => {
        const packet = client.publishPacket('t', { qos, payload: Buffer.alloc(size) });
        return encodePacket({ ...packet, properties: { ...properties, ...identifiers } }, 5).length <= 100;
      });
      assert.deepEqual(
        publishes(client).map(({ payload }) => payload.length),
        expected,
      );
      assert.equal(world.broker.metrics.messagesDroppedTooLarge, sizes.length - expected.length);
    }
  });
}

test('says of a message whether it fits, before it is sent, at any QoS and with its identifiers', () => {
  const world = new World();
  const lasting = sampleMessage('t', 'x'.repeat(50));
  const expiring = Message.of(lasting.topic, lasting.payload, { properties: { messageExpiryInterval: 9 } });
  // Header 2, topic 3, identifier 2, property length 1, payload 50.
  for (const [protocolVersion, maximumPacketSize, identifiers, isFit] of [
    [5, 58, [], true],
    [5, 57, [], false],
    [5, 60, [1], true],
    [5, 59, [1], false],
    [5, 63, [268_435_455], true],
    [5, 62, [268_435_455], false],
    [5, undefined, [1], true],
    [4, undefined, [1], true],
  ] as const)
    for (const [message, more] of [
      [lasting, 0],
      [expiring, 5],
    ] as const) {
      const properties = maximumPacketSize === undefined ? {} : { maximumPacketSize: maximumPacketSize + more };
      world.connect('a', { protocolVersion, properties });
      const connection = world.broker.sessionsById.get('a')?.connection;
      assert.ok(connection !== undefined);
      assert.equal(fits(connection, message, identifiers), isFit, `${protocolVersion} ${maximumPacketSize}`);
    }
});

test('takes a Topic Alias only for a packet that has room for it, so that no alias is lost [MQTT-3.1.2-25]', () => {
  const world = new World();
  // "topic/1" with 20 bytes takes 32, and 3 more with a new alias.
  const client = world.connect('a', { properties: { maximumPacketSize: 34, topicAliasMaximum: 1 } });
  client.subscribe('#');
  const publisher = world.connect('p');
  for (const size of [20, 15, 15, 20, 30, 25]) publisher.publish('topic/1', { payload: Buffer.alloc(size) });
  assert.deepEqual(
    publishes(client).map(({ topic, payload, properties }) => [topic, payload.length, properties.topicAlias]),
    [
      ['topic/1', 20, undefined],
      ['topic/1', 15, 1],
      ['', 15, 1],
      ['topic/1', 20, undefined],
    ],
  );
  assert.equal(world.broker.metrics.messagesDroppedTooLarge, 2);
});

test('sends a topic in full where every alias is taken, and counts that', () => {
  const world = new World();
  const client = world.connect('a', { properties: { topicAliasMaximum: 1 } });
  client.subscribe('#', { qos: 2 });
  const publisher = world.connect('p');
  for (const topic of ['a', 'b', 'a', 'b']) publisher.publish(topic, { qos: 1 });
  publisher.publish('a', { qos: 2 });
  assert.deepEqual(
    publishes(client).map(({ topic, properties }) => [topic, properties.topicAlias]),
    [
      ['a', 1],
      ['b', undefined],
      ['', 1],
      ['b', undefined],
      // It may be sent again on a connection that knows no alias.
      ['a', undefined],
    ],
  );
  assert.equal(world.broker.metrics.topicAliasesExhausted, 2);
});

test('tells the whole seconds that are left of a message, at least one, to 5.0 clients alone [MQTT-3.3.2-6]', () => {
  const world = new World();
  const client = world.connect('a', { properties: { receiveMaximum: 1 } });
  client.subscribe('#', { qos: 1 });
  const older = world.connect('old', { protocolVersion: 4 });
  older.subscribe('#', { qos: 1 });
  const publisher = world.connect('p');
  publisher.publish('t', { qos: 1 });
  for (const seconds of [2, 3, 100])
    publisher.publish('t', { qos: 1, payload: `${seconds}`, properties: { messageExpiryInterval: seconds } });
  world.pass(1_900);
  const came: unknown[] = [];
  for (let round = 0; round < 4; round++)
    for (const { payload, properties } of client.answerAll())
      came.push([Buffer.from(payload).toString(), properties.messageExpiryInterval]);
  assert.deepEqual(came, [
    ['payload', undefined],
    ['2', 1],
    ['3', 1],
    ['100', 98],
  ]);
  assert.deepEqual(
    publishes(older).map(({ properties }) => properties),
    [{}, {}, {}, {}],
  );
});

/** A client whose SUBACK for "t" waits for the store, and the store. */
async function behindSuback(
  limits = {},
  options = {},
): Promise<{ world: World; client: TestClient; store: HeldStore }> {
  const store = new HeldStore();
  const world = new World({ store, limits });
  const properties = { sessionExpiryInterval: 100, ...options };
  const client = await world.admit('a', { properties }, () => store.letAllThrough(world));
  client.send(client.subscribePacket('#', { qos: 1 }));
  await world.settle();
  return { world, client, store };
}

test('drops what expires while it waits behind SUBACK, counts it, and tells the rest the seconds left', async () => {
  const { world, client, store } = await behindSuback();
  const publisher = world.connect('p');
  for (const seconds of [2, 10, 3])
    publisher.publish('t', { payload: `${seconds}`, properties: { messageExpiryInterval: seconds } });
  publisher.publish('t', { payload: 'for ever' });
  world.pass(3_000);
  await store.letAllThrough(world);
  client.take('suback');
  assert.deepEqual(
    publishes(client).map(({ payload, properties }) => [
      Buffer.from(payload).toString(),
      properties.messageExpiryInterval,
    ]),
    [
      ['10', 7],
      ['for ever', undefined],
    ],
  );
  assert.equal(world.broker.metrics.messagesExpired, 2);
});

test('counts what waits behind SUBACK against outboxBytesMax: above it QoS 0 is dropped and QoS 1 waits in its queue', async () => {
  const { world, client, store } = await behindSuback({ outboxBytesMax: 4_096 });
  const publisher = world.connect('p');
  // Each is held with 67 bytes beside its payload.
  for (let i = 0; i < 10; i++) publisher.publish('t', { payload: Buffer.alloc(1_024 - 67, `${i}`) });
  publisher.publish('t', { qos: 1, payload: 'q' });
  assert.equal(world.broker.metrics.messagesDroppedSlow, 6);
  await store.letAllThrough(world);
  client.take('suback');
  assert.deepEqual(
    client.takePayloads().map((text) => text[0]),
    ['0', '1', '2', '3', 'q'],
  );
  publisher.publish('t', { payload: 'live' });
  assert.deepEqual(client.takePayloads(), ['live']);
});

test('keeps what waits behind SUBACK as it was said, though the chunk it came in is used again', async () => {
  const { world, client, store } = await behindSuback();
  const publisher = world.openOverOneBuffer();
  publisher.handshake({ clientId: 'p' });
  for (const payload of ['first', 'other']) publisher.publish('t', { payload });
  await store.letAllThrough(world);
  assert.deepEqual(client.takePayloads(), ['first', 'other']);
});

test('forgets what waits behind SUBACK with its connection', async () => {
  const { world, client, store } = await behindSuback();
  world.connect('p').publish('t', { payload: 'lost' });
  client.break();
  await store.letAllThrough(world);
  const again = await world.admit('a', { cleanStart: false }, () => store.letAllThrough(world));
  assert.deepEqual([client.takeAll(), again.takeAll(), world.told('internalError')], [[], [], []]);
});
