import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, type SubscribePacket } from '@dunlin/protocol';
import fc from 'fast-check';
import { NOBODY } from './memory/anonymous.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { AuthenticationResult } from './ports.ts';
import type { TestClient } from './testing/client.ts';
import { World } from './testing/world.ts';

test('answers PINGREQ with PINGRESP [MQTT-3.12.4-1]', () => {
  for (const protocolVersion of [3, 4, 5] as const) {
    const client = new World().connect('a', { protocolVersion });
    client.send({ type: 'pingreq' });
    assert.deepEqual(client.takeAll(), [{ type: 'pingresp' }]);
  }
});

for (const [keepAlive, closedAfterMs] of [
  [10, 15_000],
  [1, 1_500],
]) {
  test(`closes a client that is silent for one and a half times its Keep Alive of ${keepAlive} s, with 0x8D [MQTT-3.1.2-22]`, () => {
    const world = new World();
    const client = world.connect('a', { keepAlive });
    world.pass(closedAfterMs - 100);
    assert.equal(client.isClosed, false);
    world.pass(500);
    assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x8d, true]);
    assert.equal(world.broker.metrics.keepAliveTimeouts, 1);
  });
}

test('takes any packet as a sign of life, also a part of one', () => {
  const world = new World();
  const client = world.connect('a', { keepAlive: 10 });
  const pieces = Buffer.from(encodePacket(client.publishPacket('t', { payload: 'hello' }), 5));
  for (const byte of pieces) {
    world.pass(14_000);
    client.send(Buffer.from([byte]));
  }
  assert.equal(client.isClosed, false);
});

test('never closes a silent client with Keep Alive 0', () => {
  const world = new World();
  const client = world.connect('a', { keepAlive: 0 });
  world.clock.pass(1_000_000_000);
  world.pass(1_000);
  assert.equal(client.isClosed, false);
});

test('enforces Keep Alive on the Server Keep Alive where that is lower', () => {
  const world = new World({ limits: { keepAliveMaxS: 5 } });
  const client = world.connect('a', { keepAlive: 1_000 });
  world.pass(8_000);
  assert.equal(client.isClosed, true);
});

test('closes nobody whose packets lie unread because this thread was busy', () => {
  const world = new World();
  const client = world.connect('a', { keepAlive: 10 });
  client.write({ type: 'pingreq' });
  world.clock.now += 60_000;
  world.pass(100);
  world.pass(10_000);
  assert.equal(client.isClosed, false);
  client.take('pingresp');
});

test('closes nobody because the wall clock was set', () => {
  const world = new World();
  const client = world.connect('a', { keepAlive: 10 });
  const greeting = world.open();
  for (const byMs of [3_600_000, -7_200_000]) {
    world.clock.setWallClock(byMs);
    world.pass(4_000);
  }
  assert.deepEqual([client.isClosed, greeting.isClosed], [false, false]);
  world.pass(8_000);
  assert.deepEqual([client.isClosed, greeting.isClosed], [true, true]);
});

test('handles every packet of a chunk, and answers with one write', () => {
  const world = new World();
  const client = world.connect('a');
  client.subscribe('t', { qos: 1 });
  let chunks = 0;
  const received = client.received.bind(client);
  client.received = (chunk) => {
    chunks += 1;
    received(chunk);
  };
  client.send(client.publishPacket('t', { qos: 1 }), { type: 'pingreq' }, client.publishPacket('t'), {
    type: 'pingreq',
  });
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['publish', 'puback', 'pingresp', 'publish', 'pingresp'],
  );
  assert.equal(chunks, 1);
});

test('comes to the same however the bytes are cut', () => {
  const scene = (chunkBytes?: (length: number) => number) => {
    const world = new World();
    const client = world.open(5, chunkBytes === undefined ? {} : { chunkBytes });
    client.send(
      client.connectPacket(),
      {
        type: 'subscribe',
        packetId: 1,
        properties: {},
        subscriptions: [{ filter: 't/#', qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 0 }],
      },
      client.publishPacket('t/1', { qos: 1, packetId: 2, payload: 'x'.repeat(300), properties: { contentType: 'a' } }),
      client.publishPacket('t/2', { qos: 2, packetId: 3 }),
      { type: 'pubrel', packetId: 3, reasonCode: 0, properties: {} },
      { type: 'unsubscribe', packetId: 4, properties: {}, filters: ['t/#'] },
      { type: 'pingreq' },
    );
    return client
      .takeAll()
      .map((packet) => ('payload' in packet ? { ...packet, payload: Buffer.from(packet.payload).toString() } : packet));
  };
  const whole = scene();
  assert.equal(whole.length, 9);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }), (sizes) => {
      let turn = 0;
      assert.deepEqual(
        scene((length) => Math.min(length, sizes[turn++ % sizes.length])),
        whole,
      );
    }),
    { numRuns: 40 },
  );
});

/** Notes in which order bytes reach the clients, by name. */
function order(clients: { readonly [name: string]: TestClient }): string[] {
  const names: string[] = [];
  for (const [name, client] of Object.entries(clients)) {
    const received = client.received.bind(client);
    client.received = (chunk) => {
      if (names.at(-1) !== name) names.push(name);
      received(chunk);
    };
  }
  return names;
}

/** So many SUBSCRIBE packets, each of another filter. */
function subscribes(client: TestClient, count: number): SubscribePacket[] {
  return Array.from({ length: count }, (_, i) => client.subscribePacket(`t/${i}`));
}

test('lets others have their turn while it handles a chunk of costly packets, and handles all of it in order', () => {
  const world = new World();
  const [costly, other] = [world.openOverOneBuffer(), world.connect('other')];
  costly.handshake({ clientId: 'costly' });
  const names = order({ costly, other });
  // Two looks at the clock, one for each 16 packets, take longer than a slice.
  world.clock.msPerLook = 10;
  const packets = subscribes(costly, 100);
  costly.write(...packets, { type: 'pingreq' });
  other.write({ type: 'pingreq' });
  world.run();
  assert.deepEqual(names, ['costly', 'other', 'costly']);
  assert.equal(world.broker.metrics.chunksPaused, 3);
  assert.deepEqual(
    costly.takeAll().map((packet) => ('packetId' in packet ? packet.packetId : packet.type)),
    [...packets.map(({ packetId }) => packetId), 'pingresp'],
  );
  other.take('pingresp');
  costly.send({ type: 'pingreq' });
  costly.take('pingresp');
});

test('handles a chunk in one turn where its packets cost little', () => {
  const world = new World();
  const client = world.connect('a');
  client.send(...subscribes(client, 1_000));
  assert.deepEqual([client.takeAll().length, world.broker.metrics.chunksPaused], [1_000, 0]);
});

test('handles the rest of a chunk though the client has closed meanwhile, and nothing of it where the connection broke', () => {
  for (const how of ['close', 'break'] as const) {
    const world = new World();
    const client = world.connect('a', { properties: { sessionExpiryInterval: 10 } });
    world.clock.msPerLook = 10;
    client.write(...subscribes(client, 100));
    let looks = 0;
    const { broker } = world;
    const clockMs = broker.clockMs.bind(broker);
    broker.clockMs = () => {
      looks += 1;
      if (looks === 2) client.wire[how === 'close' ? 'close' : 'destroy']();
      return clockMs();
    };
    world.run();
    const subscriptions = [...broker.sessions()][0].subscriptions;
    assert.deepEqual([broker.connections.size, subscriptions], [0, how === 'close' ? 100 : 32]);
    assert.deepEqual(world.told('internalError'), []);
  }
});

test('refuses a packet other than PUBLISH above controlPacketBytesMax with 0x95, before the rest of it came', () => {
  const world = new World({ limits: { controlPacketBytesMax: 1_000 } });
  const client = world.connect('a');
  client.send({ ...client.subscribePacket('t'), properties: { userProperties: [['k', 'x'.repeat(900)]] } });
  client.take('suback');
  client.publish('t', { payload: Buffer.alloc(100_000) });
  assert.equal(client.take('publish').payload.length, 100_000);
  // SUBSCRIBE of 1001 bytes, of which three have come.
  client.send(Buffer.from([0x82, 0xe6, 0x07]));
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x95, true]);
  assert.equal(world.broker.metrics.packetsTooLarge, 1);
});

test('never fails on any bytes: a v5 client is told why, the connection closes, and nobody else notices', () => {
  const world = new World();
  const witness = world.connect('witness');
  witness.subscribe('#', { qos: 1 });
  fc.assert(
    fc.property(
      fc.constantFrom(3 as const, 4 as const, 5 as const),
      fc.boolean(),
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      (version, isConnected, bytes) => {
        const client = isConnected ? world.connect('victim', { protocolVersion: version }) : world.open(version);
        client.send(Buffer.from(bytes));
        const packets = client.takeAll();
        if (client.isClosed && isConnected && version === 5 && bytes[0] !== 0xe0)
          assert.equal(packets.at(-1)?.type, 'disconnect');
        client.break();
        assert.deepEqual(world.told('internalError'), []);
      },
    ),
    { numRuns: 500 },
  );
  witness.send({ type: 'pingreq' });
  assert.equal(witness.takeAll().at(-1)?.type, 'pingresp');
  assert.equal(world.broker.connections.size, 1);
  assert.equal(world.broker.pool.waitingBytes, 0);
});

test('survives every single-bit damage of valid packets', () => {
  const world = new World();
  const sample = world.open();
  const packets = [
    sample.connectPacket({
      clientId: 'b',
      keepAlive: 5,
      properties: { sessionExpiryInterval: 5, userProperties: [['a', 'b']] },
    }),
    sample.publishPacket('t/1', { qos: 1, properties: { topicAlias: 1, contentType: 'x' } }),
    {
      type: 'subscribe' as const,
      packetId: 1,
      properties: { subscriptionIdentifiers: [5] },
      subscriptions: [
        { filter: 'a/+', qos: 1 as const, noLocal: true, retainAsPublished: false, retainHandling: 1 as const },
      ],
    },
    { type: 'unsubscribe' as const, packetId: 1, properties: {}, filters: ['a/+'] },
    { type: 'puback' as const, packetId: 1, reasonCode: 0x10, properties: { reasonString: 'r' } },
    { type: 'disconnect' as const, reasonCode: 4, properties: { sessionExpiryInterval: 0 } },
    { type: 'auth' as const, reasonCode: 0x19, properties: { authenticationMethod: 'm' } },
  ];
  for (const packet of packets) {
    const valid = Buffer.from(encodePacket(packet, 5));
    for (let bit = 0; bit < valid.length * 8; bit++) {
      const damaged = Buffer.from(valid);
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const client = packet.type === 'connect' ? world.open() : world.connect('a');
      // What comes back may be of another version.
      client.received = () => undefined;
      client.send(damaged);
      client.break();
    }
  }
  assert.deepEqual(world.told('internalError'), []);
  assert.equal(world.broker.connections.size, 1);
});

test('serves a million tiny packets with flat memory', () => {
  const world = new World();
  const client = world.connect('a', { protocolVersion: 4 });
  // Many packets in each chunk, as they come from a socket.
  const chunk = Buffer.alloc(65_536, Buffer.from('c000', 'hex'));
  client.bytesReceived = 0;
  for (let sent = 0; sent < 1_000_000; sent += chunk.length / 2) {
    client.received = (bytes) => {
      client.bytesReceived += bytes.length;
    };
    client.send(chunk);
  }
  assert.equal(client.bytesReceived, Math.ceil(1_000_000 / 32_768) * 65_536);
  assert.deepEqual([world.broker.pool.waitingBytes, client.isClosed], [0, false]);
});

test('holds no more than what came of a large packet that is never finished', () => {
  const world = new World();
  const client = world.connect('a');
  client.send(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x01]), Buffer.alloc(10));
  assert.equal(client.isClosed, false);
  client.break();
  assert.equal(world.broker.connections.size, 0);
});

test('goes on with what came before the peer said that it sends no more, and only then closes', async () => {
  let answer: (result: AuthenticationResult) => void = () => undefined;
  const world = new World({
    authenticator: {
      supports: () => false,
      authenticate: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    },
  });
  const [near, far] = world.wires();
  const open = far.open.bind(far);
  let ended: () => void = () => undefined;
  far.open = (handler) => {
    ended = () => handler.ended();
    open(handler);
  };
  const received: Buffer[] = [];
  near.open({
    received: (bytes) => received.push(Buffer.from(bytes)),
    ended: () => undefined,
    drained: () => undefined,
    closed: () => undefined,
  });
  world.broker.attach(far, world.listener);
  const sample = world.open();
  near.write(
    Buffer.concat([
      encodePacket(sample.connectPacket(), 5),
      encodePacket(sample.publishPacket('t', { retain: true }), 5),
    ]),
  );
  world.run();
  ended();
  world.run();
  assert.equal(world.broker.connections.size, 2);
  answer({
    kind: 'accept',
    principal: NOBODY,
  });
  await world.settle();
  assert.equal(world.broker.retained.count, 1);
  assert.equal(world.broker.connections.size, 1);
  assert.equal(received[0]?.[0], 0x20);
});

test('closes one connection for a fault of ours, tells it, and serves the others', () => {
  const world = new World({
    authorizer: {
      permissions: (clientId) => ({
        ...PERMIT_ALL,
        mayPublish: () => {
          if (clientId === 'unlucky') throw new Error('rule 7 is broken');
          return 0;
        },
      }),
    },
  });
  const lucky = world.connect('lucky');
  const unlucky = world.connect('unlucky');
  unlucky.publish('t', { qos: 1 });
  assert.deepEqual([unlucky.take('disconnect').reasonCode, unlucky.isClosed], [0x80, true]);
  assert.match(world.told('internalError')[0].error, /rule 7 is broken/);
  lucky.publish('t', { qos: 1 });
  lucky.take('puback');
});

test('refuses a network connection above connectionsMax before reading anything', () => {
  const world = new World({ limits: { connectionsMax: 2 } });
  const clients = [world.open(), world.open(), world.open()];
  assert.deepEqual(
    clients.map((client) => client.isClosed),
    [false, false, true],
  );
  assert.equal(world.broker.metrics.connectionsRefused, 1);
  assert.deepEqual(
    world.told('limitReached').map((event) => event.limit),
    ['connectionsMax'],
  );
  clients[0].break();
  assert.equal(world.open().isClosed, false);
});

test('counts packets, messages and bytes both ways', () => {
  const world = new World();
  const client = world.connect('a', { protocolVersion: 4 });
  client.subscribe('t', { qos: 1 });
  const before = { ...world.broker.metrics };
  const bytesBefore = client.bytesReceived;
  const packet = client.publishPacket('t', { qos: 1, payload: 'hello' });
  client.send(packet);
  const { metrics } = world.broker;
  assert.deepEqual(
    [
      metrics.packetsReceived - before.packetsReceived,
      metrics.messagesReceived - before.messagesReceived,
      metrics.publishBytesReceived - before.publishBytesReceived,
    ],
    [1, 1, 5],
  );
  assert.equal(metrics.bytesReceived - before.bytesReceived, encodePacket(packet, 4).length);
  assert.deepEqual(
    [
      metrics.packetsSent - before.packetsSent,
      metrics.messagesSent - before.messagesSent,
      metrics.publishBytesSent - before.publishBytesSent,
    ],
    [2, 1, 5],
  );
  assert.equal(metrics.bytesSent - before.bytesSent, client.bytesReceived - bytesBefore);
});
