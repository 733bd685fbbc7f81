import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodePacket, type Properties, type Will } from '@dunlin/protocol';
import { NOBODY } from './memory/anonymous.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { AuthenticationRequest, AuthenticationResult, Authenticator, Directory } from './ports.ts';
import { TestClient } from './testing/client.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const WILL: Will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} };
const PRINCIPAL = NOBODY;

/** An Authenticator whose answers a test gives when it likes. */
class LaterAuthenticator implements Authenticator {
  readonly #waiting: ((result: AuthenticationResult) => void)[] = [];
  asked: AuthenticationRequest | undefined = undefined;
  supports(): boolean {
    return true;
  }
  authenticate(request: AuthenticationRequest): Promise<AuthenticationResult> {
    this.asked = request;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  answer(result: AuthenticationResult = { kind: 'accept', principal: PRINCIPAL }): void {
    this.#waiting.shift()?.(result);
  }
}

test('says what a 5.0 client has to know, and nothing that is the default of the standard (3.2.2.3)', () => {
  const client = new World().open();
  assert.deepEqual(client.handshake(), {
    type: 'connack',
    sessionPresent: false,
    reasonCode: 0,
    properties: { receiveMaximum: 1_000, maximumPacketSize: 4_194_304, topicAliasMaximum: 100 },
  });
});

test('says what is turned off and what was lowered', () => {
  const world = new World({
    limits: {
      keepAliveMaxS: 60,
      sessionExpiryMaxS: 100,
      topicAliasMaximum: 0,
      receiveMaximum: 5,
      maximumPacketSize: 1_000,
    },
    settings: {
      maximumQoS: 1,
      retainAvailable: false,
      wildcardSubscriptionAvailable: false,
      subscriptionIdentifierAvailable: false,
      sharedSubscriptionAvailable: false,
      responseInformation: 'replies/',
    },
  });
  const properties = { sessionExpiryInterval: 500, requestResponseInformation: 1 as const };
  assert.deepEqual(world.open().handshake({ keepAlive: 100, properties }).properties, {
    receiveMaximum: 5,
    maximumPacketSize: 1_000,
    sessionExpiryInterval: 100,
    serverKeepAlive: 60,
    maximumQoS: 1,
    retainAvailable: 0,
    wildcardSubscriptionAvailable: 0,
    subscriptionIdentifierAvailable: 0,
    sharedSubscriptionAvailable: 0,
    responseInformation: 'replies/',
  });
  world.connect('within', { keepAlive: 60, properties: { sessionExpiryInterval: 100 } });
  assert.equal(world.broker.metrics.sessionExpiriesLowered, 1);
  assert.equal(world.broker.metrics.keepAlivesLowered, 1);
});

test('gives Response Information only to a client that asks for it [MQTT-3.1.2-28]', () => {
  const world = new World({ settings: { responseInformation: 'replies/' } });
  assert.equal(world.open().handshake({ clientId: 'a' }).properties.responseInformation, undefined);
});

test('caps a Keep Alive of 0 as well, since 0 is longer than any [MQTT-3.1.2-21]', () => {
  const world = new World({ limits: { keepAliveMaxS: 30 } });
  assert.equal(world.open().handshake({ keepAlive: 0 }).properties.serverKeepAlive, 30);
});

test('assigns an identifier that nobody has and tells it, with either Clean Start [MQTT-3.1.3-6, MQTT-3.2.2-16]', () => {
  const world = new World();
  const ids = [true, false].map(
    (cleanStart) => world.open().handshake({ clientId: '', cleanStart }).properties.assignedClientIdentifier,
  );
  assert.deepEqual(ids, ['dunlin-random2', 'dunlin-random3']);
});

test('serves an empty identifier of 3.1.1 with Clean Session 1 and refuses it with 0 [MQTT311-3.1.3-7, MQTT311-3.1.3-8]', () => {
  const world = new World();
  const served = world.open(4);
  assert.equal(served.handshake({ clientId: '', cleanStart: true }).reasonCode, 0);
  const refused = world.open(4);
  assert.equal(refused.handshake({ clientId: '', cleanStart: false }).reasonCode, 2);
  assert.equal(refused.isClosed, true);
});

test('refuses an empty identifier of 3.1 with 2, and accepts one above 23 characters', () => {
  const world = new World();
  assert.equal(world.open(3).handshake({ clientId: '' }).reasonCode, 2);
  assert.equal(world.open(3).handshake({ clientId: 'x'.repeat(100) }).reasonCode, 0);
});

for (const [version, code] of [
  [3, 1],
  [4, 1],
  [5, 0x84],
] as const) {
  test(`refuses version ${version} with ${code} where its listener does not serve it`, () => {
    const others = ([3, 4, 5] as const).filter((other) => other !== version);
    const world = new World({ listener: { versions: others } });
    const client = world.open(version);
    assert.equal(client.handshake().reasonCode, code);
    assert.equal(client.isClosed, true);
    assert.equal(world.open(others[0]).handshake().reasonCode, 0);
  });
}

test('answers an unknown Protocol Level in the nearest version and closes [MQTT-3.1.2-2]', () => {
  const world = new World();
  const level6 = world.open(5);
  level6.send(Buffer.from('100d00044d515454060200000000', 'hex').fill(0, 14), Buffer.alloc(1));
  assert.equal(level6.take('connack').reasonCode, 0x84);
  assert.equal(level6.isClosed, true);
  const level2 = world.open(4);
  level2.send(Buffer.from('100c00044d51545402020000', 'hex'), Buffer.from('0000', 'hex'));
  assert.equal(level2.take('connack').reasonCode, 1);
  assert.equal(level2.isClosed, true);
});

test('closes without an answer when the first packet is not CONNECT [MQTT-3.1.0-1]', () => {
  const world = new World();
  for (const bytes of ['c000', '30050001610a0b', 'e000', 'f000', '0000']) {
    const client = world.open();
    client.send(Buffer.from(bytes, 'hex'));
    assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
  }
  assert.equal(world.broker.connections.size, 0);
  assert.equal(world.told('connectionRejected').length, 5);
});

test('closes the connection for a second CONNECT, whatever it says [MQTT-3.1.0-2]', () => {
  for (const level of [0, 6, 255]) {
    const world = new World();
    const client = world.connect('a');
    const second = Buffer.from(encodePacket(client.connectPacket({ clientId: 'a' }), 5));
    second[8] = level;
    client.send(second);
    assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x82, true]);
  }
  const world = new World();
  const client = world.connect('a');
  client.send(client.connectPacket({ clientId: 'a' }));
  assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x82, true]);
  const older = world.connect('b', { protocolVersion: 4 });
  older.send(older.connectPacket({ clientId: 'b' }));
  assert.deepEqual([older.takeAll(), older.isClosed], [[], true]);
});

test('handles nothing that follows a refused CONNECT [MQTT-3.1.4-6]', () => {
  const refuse: Authenticator = {
    supports: () => false,
    authenticate: () => ({ kind: 'refuse', reasonCode: 0x86, check: 'password', reason: 'wrong password' }),
  };
  const world = new World({ authenticator: refuse });
  const client = world.open();
  client.send(
    client.connectPacket(),
    client.publishPacket('t', { retain: true }),
    client.publishPacket('t', { qos: 1 }),
  );
  const connack = client.take('connack');
  assert.deepEqual([connack.reasonCode, connack.properties.reasonString], [0x86, 'wrong password']);
  assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
  assert.equal(world.broker.retained.count, 0);
  assert.equal(world.broker.metrics.messagesReceived, 0);
  assert.equal(world.broker.metrics.authenticationFailures, 1);
});

test('answers a refusal to 3.x clients with the nearest Return Code [MQTT311-3.2.2-4]', () => {
  const codes: [number, number][] = [
    [0x86, 4],
    [0x87, 5],
    [0x88, 3],
    [0x85, 2],
  ];
  for (const [reasonCode, returnCode] of codes) {
    const world = new World({
      authenticator: { supports: () => false, authenticate: () => ({ kind: 'refuse', reasonCode, check: 'test' }) },
    });
    assert.equal(world.open(4).handshake().reasonCode, returnCode);
  }
});

test('handles packets pipelined behind CONNECT after CONNACK, in order, while the Authenticator answers later', async () => {
  const authenticator = new LaterAuthenticator();
  const world = new World({ authenticator });
  const client = world.open();
  const subscribe = {
    type: 'subscribe' as const,
    packetId: 1,
    properties: {},
    subscriptions: [
      { filter: 't', qos: 1 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const },
    ],
  };
  client.send(client.connectPacket(), subscribe, client.publishPacket('t', { qos: 1, packetId: 2 }), {
    type: 'pingreq',
  });
  client.send(client.publishPacket('t', { qos: 0, payload: 'more' }));
  assert.deepEqual(client.takeAll(), []);
  authenticator.answer();
  await world.settle();
  assert.deepEqual(
    client.takeAll().map((packet) => packet.type),
    ['connack', 'suback', 'publish', 'puback', 'pingresp', 'publish'],
  );
});

test('handles packets pipelined behind CONNECT in order when the peer has closed already', async () => {
  const authenticator = new LaterAuthenticator();
  const world = new World({ authenticator });
  const client = world.open();
  client.write(client.connectPacket(), client.publishPacket('t', { retain: true }), {
    type: 'disconnect',
    reasonCode: 0,
    properties: {},
  });
  client.wire.close();
  world.run();
  assert.equal(world.broker.retained.count, 0);
  authenticator.answer();
  await world.settle();
  assert.equal(world.broker.retained.count, 1);
  assert.equal(world.broker.connections.size, 0);
  assert.deepEqual([...world.broker.sessions()], []);
});

test('says that a client is gone that hangs up while it is found out who it is, whatever it sent behind CONNECT', async () => {
  for (const leave of ['close', 'destroy'] as const)
    for (const ahead of [0, 1]) {
      const authenticator = new LaterAuthenticator();
      const world = new World({ authenticator });
      const client = world.open();
      client.send(client.connectPacket());
      for (let count = 0; count < ahead; count++) client.send(client.publishPacket('t'));
      assert.equal(authenticator.asked?.gone.aborted, false);
      client.wire[leave]();
      world.run();
      assert.equal(authenticator.asked?.gone.aborted, true);
      authenticator.answer();
      await world.settle();
      assert.deepEqual([world.broker.connections.size, [...world.broker.sessions()]], [0, []]);
    }
});

test('reads 16 KiB ahead of the answer who a client is, and the rest behind it', async () => {
  const authenticator = new LaterAuthenticator();
  const world = new World({ authenticator });
  const client = world.open();
  const publish = client.publishPacket('t', { payload: 'x'.repeat(1_000) });
  client.send(client.connectPacket());
  for (let count = 0; count < 40; count++) client.send(publish);
  world.run();
  const { bytesReceived } = world.broker.metrics;
  assert.ok(bytesReceived > 16_384 && bytesReceived < 20_000, `${bytesReceived} bytes were read`);
  authenticator.answer();
  await world.settle();
  assert.equal(world.broker.metrics.messagesReceived, 40);
});

test('handles what a client sent that closed at once', () => {
  const world = new World();
  const client = world.open();
  client.write(client.connectPacket({ will: { ...WILL, retain: true } }), client.publishPacket('t', { retain: true }), {
    type: 'disconnect',
    reasonCode: 0,
    properties: {},
  });
  client.wire.close();
  world.run();
  assert.notEqual(world.broker.retained.get('t'), undefined);
  assert.equal(world.broker.retained.get('will'), undefined);
});

test('reads no more of a client than a chunk while the Authenticator answers', () => {
  const world = new World({ authenticator: new LaterAuthenticator() });
  const client = world.open();
  client.send(client.connectPacket());
  for (let i = 0; i < 100; i++) client.send(client.publishPacket('t', { payload: Buffer.alloc(10_000) }));
  assert.ok(client.wire.pendingBytes > 900_000);
});

test('forgets a client that leaves while the Authenticator answers', async () => {
  const authenticator = new LaterAuthenticator();
  const world = new World({ authenticator });
  const client = world.open();
  client.send(client.connectPacket({ will: WILL }));
  client.break();
  authenticator.answer();
  await world.settle();
  assert.deepEqual([world.broker.connections.size, [...world.broker.sessions()].length], [0, 0]);
  assert.equal(world.broker.metrics.willsPublished, 0);
});

test('ends the older connection with 0x8E before the newer one gets CONNACK [MQTT-3.1.4-3]', () => {
  const world = new World();
  const older = world.connect('a');
  const newer = world.connect('a');
  assert.equal(older.take('disconnect').reasonCode, 0x8e);
  assert.equal(older.isClosed, true);
  newer.send({ type: 'pingreq' });
  newer.take('pingresp');
  assert.deepEqual(
    world.events
      .filter((event) => event.name === 'sessionTakenOver' || event.name === 'clientDisconnected')
      .map((event) => event.name),
    ['sessionTakenOver', 'clientDisconnected'],
  );
  assert.equal(world.broker.metrics.sessionsTakenOver, 1);
});

test('closes an older 3.1.1 connection without a packet on takeover [MQTT311-3.1.4-2]', () => {
  const world = new World();
  const older = world.connect('a', { protocolVersion: 4 });
  world.connect('a', { protocolVersion: 5 });
  assert.deepEqual([older.takeAll(), older.isClosed], [[], true]);
});

/** The table "Will and takeover": old expiry, Will Delay Interval, Clean Start of the newer CONNECT, whether the will goes out. */
const TAKEOVERS: [number, number, boolean, boolean][] = [
  [0, 0, false, true],
  [0, 0, true, true],
  [0, 50, false, true],
  [0, 50, true, true],
  [100, 0, false, true],
  [100, 0, true, true],
  [100, 50, false, false],
  [100, 50, true, true],
];
for (const [expiry, delay, cleanStart, goesOut] of TAKEOVERS) {
  test(`on takeover with old expiry ${expiry}, delay ${delay} and Clean Start ${cleanStart ? 1 : 0} the will is ${goesOut ? 'sent at once' : 'not sent'}`, () => {
    const world = new World();
    const watcher = world.connect('watcher');
    watcher.subscribe('will');
    world.connect('a', {
      properties: { sessionExpiryInterval: expiry },
      will: { ...WILL, properties: { willDelayInterval: delay } },
    });
    world.connect('a', { cleanStart, properties: { sessionExpiryInterval: 100 } });
    assert.equal(watcher.takeAll().length, goesOut ? 1 : 0);
    world.pass(200_000);
    assert.equal(watcher.takeAll().length, 0);
  });
}
for (const [oldClean, newClean] of [
  [true, true],
  [true, false],
  [false, true],
  [false, false],
]) {
  test(`on takeover of a 3.1.1 connection with Clean Session ${oldClean ? 1 : 0} by one with ${newClean ? 1 : 0} the will is sent at once`, () => {
    const world = new World();
    const watcher = world.connect('watcher');
    watcher.subscribe('will');
    world.connect('a', { protocolVersion: 4, cleanStart: oldClean, will: WILL });
    world.connect('a', { protocolVersion: 4, cleanStart: newClean });
    assert.equal(watcher.takeAll().length, 1);
  });
}

test('takes a session up with Clean Start 0 and says so, and ends it with Clean Start 1 [MQTT-3.1.2-4, MQTT-3.1.2-5, MQTT-3.2.2-2, MQTT-3.2.2-3]', () => {
  const world = new World();
  const options = { clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const first = world.open();
  assert.equal(first.handshake(options).sessionPresent, false);
  first.subscribe('t');
  first.disconnect();
  const second = world.open();
  assert.equal(second.handshake(options).sessionPresent, true);
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.subscriptions),
    [1],
  );
  second.disconnect();
  const third = world.open();
  assert.equal(third.handshake({ ...options, cleanStart: true }).sessionPresent, false);
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.subscriptions),
    [0],
  );
  assert.deepEqual(
    world.told('sessionEnded').map((event) => event.reason),
    ['clean-start'],
  );
});

test('resumes a 3.1.1 session as 5.0 and back, and never says Session Present to 3.1', () => {
  const world = new World();
  const older = world.open(4);
  older.handshake({ clientId: 'a', cleanStart: false });
  older.subscribe('t');
  older.disconnect();
  const newer = world.open(5);
  assert.equal(
    newer.handshake({ clientId: 'a', cleanStart: false, properties: { sessionExpiryInterval: 10 } }).sessionPresent,
    true,
  );
  newer.disconnect();
  const oldest = world.open(3);
  assert.equal(oldest.handshake({ clientId: 'a', cleanStart: false }).sessionPresent, false);
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.subscriptions),
    [1],
  );
});

test('ends a session when its Session Expiry Interval has passed, and not before [MQTT-3.1.2-23, MQTT-4.1.0-2]', () => {
  const world = new World();
  world.connect('a', { properties: { sessionExpiryInterval: 10 } }).break();
  world.connect('never', { properties: { sessionExpiryInterval: 0xffffffff } }).break();
  world.connect('at once').break();
  world.connect('older', { protocolVersion: 4, cleanStart: false }).break();
  world.pass(9_500);
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.clientId),
    ['a', 'never', 'older'],
  );
  world.pass(1_500);
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.clientId),
    ['never', 'older'],
  );
  assert.equal(world.broker.metrics.sessionsExpired, 1);
});

test('caps the session of a 3.1.1 client as well', () => {
  const world = new World({ limits: { sessionExpiryMaxS: 20 } });
  world.connect('a', { protocolVersion: 4, cleanStart: false }).break();
  world.pass(21_000);
  assert.deepEqual([...world.broker.sessions()], []);
});

test('counts the time to the end of a session anew when its client comes back', () => {
  const world = new World();
  const options = { cleanStart: false, properties: { sessionExpiryInterval: 10 } };
  world.connect('a', options).break();
  world.pass(8_000);
  const back = world.connect('a', options);
  world.pass(8_000);
  back.break();
  world.pass(8_000);
  assert.equal([...world.broker.sessions()].length, 1);
});

test('refuses a new session above sessionsMax with 0x97 and still resumes the others', () => {
  const world = new World({ limits: { sessionsMax: 1 } });
  world.connect('a', { properties: { sessionExpiryInterval: 10 } }).break();
  assert.equal(world.open().handshake({ clientId: 'b' }).reasonCode, 0x97);
  assert.equal(world.open(4).handshake({ clientId: 'b' }).reasonCode, 3);
  assert.equal(world.open().handshake({ clientId: 'a', cleanStart: false }).reasonCode, 0);
  assert.equal(world.broker.metrics.sessionsRefused, 2);
});

test('refuses a CONNECT while draining, with the Server Reference where one is set', async () => {
  const plain = new World();
  await plain.broker.stop();
  assert.equal(plain.open().handshake().reasonCode, 0x88);
  assert.equal(plain.open(4).handshake().reasonCode, 3);
  const moving = new World({ settings: { serverReference: 'other.example:1883' } });
  const client = moving.connect('a');
  await moving.broker.stop();
  moving.run();
  const { reasonCode, properties } = client.take('disconnect');
  assert.deepEqual([reasonCode, properties.serverReference], [0x9c, 'other.example:1883']);
  const connack = moving.open().handshake();
  assert.deepEqual([connack.reasonCode, connack.properties.serverReference], [0x9c, 'other.example:1883']);
});

const REFUSED_WILLS: [string, Partial<Will>, number][] = [
  ['a reserved topic', { topic: '$SYS/broker/version' }, 0x90],
  ['too many levels', { topic: 'a/'.repeat(300) }, 0x90],
  ['a QoS above Maximum QoS [MQTT-3.2.2-12]', { qos: 2 }, 0x9b],
  ['RETAIN where there is none [MQTT-3.2.2-13]', { retain: true }, 0x9a],
  ['a topic that it may not publish to', { topic: 'forbidden' }, 0x87],
];
for (const [what, change, code] of REFUSED_WILLS) {
  test(`refuses a will with ${what}: 0x${code.toString(16)}`, () => {
    const world = new World({
      settings: { maximumQoS: 1, retainAvailable: false },
      authorizer: {
        permissions: () => ({ ...PERMIT_ALL, mayLeaveWill: (topic) => (topic === 'forbidden' ? 0x87 : 0) }),
      },
    });
    const client = world.open();
    assert.equal(client.handshake({ will: { ...WILL, ...change } }).reasonCode, code);
    assert.deepEqual([...world.broker.sessions()], []);
  });
}

test('closes a connection that sends no whole CONNECT in time', () => {
  const world = new World({ limits: { connectTimeoutMs: 5_000 } });
  const silent = world.open();
  const slow = world.open();
  const bytes = Buffer.from(encodePacket(slow.connectPacket({ clientId: 'slow', username: 'x'.repeat(60) }), 5));
  for (let i = 0; i < 49; i++) {
    slow.send(bytes.subarray(i, i + 1));
    world.pass(100);
  }
  assert.equal(slow.isClosed, false);
  world.pass(300);
  assert.deepEqual([silent.isClosed, slow.isClosed], [true, true]);
  assert.equal(world.broker.metrics.connectTimeouts, 2);
  assert.equal(world.broker.connections.size, 0);
});

test('closes a connection whose authentication takes too long', async () => {
  const world = new World({ limits: { connectTimeoutMs: 5_000 }, authenticator: new LaterAuthenticator() });
  const client = world.open();
  client.connect();
  world.pass(6_000);
  assert.equal(client.isClosed, true);
});

test('refuses a CONNECT above connectPacketBytesMax and a larger packet that follows within Maximum Packet Size', () => {
  const world = new World({ limits: { connectPacketBytesMax: 1_000 } });
  const large = world.open();
  large.connect({ username: 'x'.repeat(2_000) });
  assert.deepEqual([large.takeAll(), large.isClosed], [[], true]);
  assert.equal(world.broker.metrics.packetsTooLarge, 1);
  const client = world.open();
  client.send(client.connectPacket(), client.publishPacket('t', { qos: 1, payload: Buffer.alloc(5_000) }));
  assert.equal(client.take('connack').reasonCode, 0);
  assert.equal(client.take('puback').packetId, 1);
});

test('closes at once for a claim of 256 MB, before a byte of it came', () => {
  const world = new World();
  const client = world.open();
  client.send(Buffer.from('10ffffff7f', 'hex'));
  assert.equal(client.isClosed, true);
  const connected = world.connect('a');
  connected.send(Buffer.from('30ffffff7f', 'hex'));
  assert.deepEqual([connected.take('disconnect').reasonCode, connected.isClosed], [0x95, true]);
});

test('closes without CONNACK where the client takes no packet of its size [MQTT-3.1.2-24, MQTT-3.2.0-1]', () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: 'a', properties: { maximumPacketSize: 8 } });
  assert.deepEqual([client.takeAll(), client.isClosed], [[], true]);
  assert.deepEqual([...world.broker.sessions()], []);
  assert.deepEqual(world.told('clientConnected'), []);
});

test('sends CONNACK when what CONNECT changed is durable, and nothing before it [MQTT-3.2.0-1]', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = world.open();
  client.send(
    client.connectPacket({ properties: { sessionExpiryInterval: 100 } }),
    { type: 'pingreq' },
    client.publishPacket('t', { qos: 1 }),
  );
  await world.settle();
  assert.deepEqual(client.takeAll(), []);
  store.letThrough();
  await world.settle();
  assert.equal(client.packets[0]?.type, 'connack');
  assert.deepEqual(
    client
      .takeAll()
      .map((packet) => packet.type)
      .sort(),
    ['connack', 'pingresp', 'puback'],
  );
});

test('sends no DISCONNECT before CONNACK [MQTT-3.14.0-1]', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = world.open();
  client.send(client.connectPacket({ properties: { sessionExpiryInterval: 100 } }), Buffer.from('0000', 'hex'));
  await world.settle();
  assert.notEqual(client.packets[0]?.type, 'disconnect');
  assert.equal(client.isClosed, true);
});

test('waits for nothing when a session without expiry begins, but for its will', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  assert.equal(world.open().handshake().reasonCode, 0);
  assert.equal(store.batches.length, 0);
  const client = world.open();
  client.connect({ clientId: 'w', will: WILL });
  assert.deepEqual(client.takeAll(), []);
  assert.deepEqual(
    store.batches[0].map(({ op }) => op),
    ['putSession', 'putWill'],
  );
  store.letThrough();
  await world.settle();
  assert.equal(client.take('connack').reasonCode, 0);
});

test('claims a session of the Directory before CONNACK and keeps the claim until the session ends', async () => {
  const claims: string[] = [];
  let resolveClaim: () => void = () => undefined;
  const directory: Directory = {
    claim: (clientId) => {
      claims.push(`claim ${clientId}`);
      return new Promise((resolve) => {
        resolveClaim = resolve;
      });
    },
    release: (clientId) => claims.push(`release ${clientId}`),
  };
  const world = new World({ directory });
  const options = { clientId: 'a', properties: { sessionExpiryInterval: 5 } };
  const first = world.open();
  first.connect(options);
  assert.deepEqual(first.takeAll(), []);
  resolveClaim();
  await world.settle();
  first.take('connack');
  const second = world.open();
  second.connect(options);
  resolveClaim();
  await world.settle();
  second.take('connack');
  // Clean Start ended the first session, but this broker still owns the identifier.
  assert.deepEqual(claims, ['claim a', 'claim a']);
  // Nor does a takeover give it up; the session that goes on does, at its end.
  const third = world.open();
  third.connect({ ...options, cleanStart: false });
  resolveClaim();
  await world.settle();
  third.take('connack');
  assert.deepEqual(claims, ['claim a', 'claim a', 'claim a']);
  third.break();
  world.pass(6_000);
  assert.deepEqual(claims, ['claim a', 'claim a', 'claim a', 'release a']);
});

test('asks who a client is with what it said', () => {
  const seen: unknown[] = [];
  const world = new World({
    listener: { name: 'front' },
    authenticator: {
      supports: () => false,
      authenticate: ({ connect, listener, peer, current }) => {
        seen.push([
          connect.clientId,
          connect.username,
          Buffer.from(connect.password ?? []).toString(),
          listener,
          peer.address,
          current,
        ]);
        return { kind: 'accept', principal: { ...PRINCIPAL, username: 'Ada' } };
      },
    },
  });
  world.connect('', { username: 'ada', password: Buffer.from('secret') });
  assert.deepEqual(seen, [['dunlin-random2', 'ada', 'secret', 'front', 'memory', undefined]]);
  const [info] = world.broker.sessions();
  assert.deepEqual([info.username, info.address, info.protocolVersion], ['Ada', 'memory', 5]);
});

test('lets a listener ask an Authenticator of its own', () => {
  const refuse: Authenticator = {
    supports: () => false,
    authenticate: () => ({ kind: 'refuse', reasonCode: 0x87, check: 'test' }),
  };
  const world = new World({ listener: { authenticator: refuse } });
  assert.equal(world.open().handshake().reasonCode, 0x87);
});

test('leaves Reason String out for a client that asks for no problem information, except in CONNACK and DISCONNECT [MQTT-3.1.2-29]', () => {
  const world = new World({
    authorizer: { permissions: () => ({ ...PERMIT_ALL, mayPublish: () => 0x87, maySubscribe: () => 0x87 }) },
  });
  const reasons = [0, 1].map((requestProblemInformation) => {
    const client = world.connect(`c${requestProblemInformation}`, {
      properties: { requestProblemInformation } as Properties,
    });
    client.publish('t', { qos: 1 });
    const puback = client.take('puback');
    const suback = client.subscribe('t');
    client.send(Buffer.from('0000', 'hex'));
    return [puback, suback, client.take('disconnect')].map((packet) => packet.properties.reasonString !== undefined);
  });
  assert.deepEqual(reasons, [
    [false, false, true],
    [true, true, true],
  ]);
});

test('tells the store that a session which it has is to end with its connection', async () => {
  const store = new MemoryStore();
  const world = new World({ store });
  const stored = async () => {
    const expiries: number[] = [];
    for await (const { record } of store.sessions()) expiries.push(record.sessionExpiryInterval);
    return expiries;
  };
  world.connect('a', { properties: { sessionExpiryInterval: 100 } });
  world.run();
  assert.deepEqual(await stored(), [100]);
  const client = world.connect('a', { cleanStart: false });
  world.run();
  assert.deepEqual(await stored(), [0]);
  client.break();
  world.run();
  assert.deepEqual(await stored(), []);
});

test('tells the wire that its peer is no stranger any longer, when CONNECT is accepted and not before', () => {
  const world = new World();
  const [near, far] = world.wires();
  let admitted = 0;
  const wire = Object.assign(far, { admitted: () => void admitted++ });
  const client = new TestClient(world, near, 5);
  world.broker.attach(wire, world.listener);
  world.run();
  assert.equal(admitted, 0);
  client.connect({ clientId: 'a' });
  assert.equal(client.take('connack').reasonCode, 0);
  assert.equal(admitted, 1);
});
