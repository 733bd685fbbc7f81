import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broker } from './broker.ts';
import { PERMIT_ALL } from './memory/permit-all.ts';
import { MemoryStore } from './memory/store.ts';
import type { Authenticator, Authorizer, Store, Write } from './ports.ts';
import type { TestClient, TestConnect } from './testing/client.ts';
import { named } from './testing/named.ts';
import { HeldStore, LaterStore } from './testing/store.ts';
import { TestClock, TestRandom, World } from './testing/world.ts';

const STORED: TestConnect = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };

function publishes(client: TestClient) {
  return client.takeAll().filter((packet) => packet.type === 'publish');
}

function sessionOf(world: World, clientId: string) {
  return [...world.broker.sessions()].find((session) => session.clientId === clientId);
}

/** A will for the connection of a client, on the topic `will`. */
function withWill(options: TestConnect, willDelayInterval = 0): TestConnect {
  const will = {
    topic: 'will',
    payload: Buffer.from('gone'),
    qos: 1 as const,
    retain: true,
    properties: { willDelayInterval },
  };
  return { ...options, will };
}

for (const [kind, makeStore] of [
  ['at once', () => new MemoryStore()],
  ['later', () => new LaterStore()],
] as [string, () => Store][]) {
  test(`goes on with subscriptions, queue and retained messages of a store that answers ${kind} [MQTT-4.1.0-1]`, async () => {
    const former = new World({ store: makeStore() });
    const open = async (clientId: string, options: TestConnect) => {
      const client = former.open();
      client.connect({ clientId, ...options });
      await former.settle();
      client.take('connack');
      return client;
    };
    const absent = await open('absent', STORED);
    absent.write({
      type: 'subscribe',
      packetId: 1,
      properties: { subscriptionIdentifiers: [7] },
      subscriptions: [{ filter: 't/#', qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 0 }],
    });
    await former.settle();
    absent.break();
    const publisher = await open('p', {});
    publisher.publish('t/1', { qos: 1, payload: 'one', retain: true });
    publisher.publish('t/2', { qos: 2, payload: 'two' });
    publisher.publish('t/3', { qos: 1, payload: 'three', properties: { messageExpiryInterval: 50, contentType: 'x' } });
    await former.settle();

    const world = await World.after(former, { laterByMs: 10_000 });
    assert.deepEqual(world.told('recovered'), [
      { name: 'recovered', sessions: 1, queued: 3, retained: 1, durationMs: 0 },
    ]);
    const info = sessionOf(world, 'absent');
    assert.deepEqual([info?.subscriptions, info?.queuedMessages, info?.connected], [1, 3, false]);
    const again = world.open();
    again.connect({ clientId: 'absent', ...STORED });
    await world.settle();
    assert.equal(again.take('connack').sessionPresent, true);
    const came = publishes(again);
    assert.deepEqual(
      came.map(({ payload, qos, retain, properties }) => [Buffer.from(payload).toString(), qos, retain, properties]),
      [
        ['one', 1, true, { subscriptionIdentifiers: [7] }],
        ['two', 2, false, { subscriptionIdentifiers: [7] }],
        ['three', 1, false, { messageExpiryInterval: 40, contentType: 'x', subscriptionIdentifiers: [7] }],
      ],
    );
    const other = world.connect('other');
    other.subscribe('t/1');
    assert.deepEqual(other.takePayloads(), ['one']);
    world.connect('q').publish('t/4', { payload: 'live' });
    await world.settle();
    assert.deepEqual(again.takePayloads(), ['live']);
  });
}

test('sends again with DUP all that was sent, also behind what was acknowledged and not yet removed [MQTT-3.3.1-1]', async () => {
  const store = new HeldStore();
  const former = new World({ store, limits: { inflightMessagesMax: 2 } });
  const settled = () => store.letAllThrough(former);
  const client = await former.admit('a', STORED, settled);
  client.send(client.subscribePacket('t', { qos: 1 }));
  await settled();
  client.takeAll();
  for (let i = 0; i < 6; i++) former.broker.publish('t', Buffer.from(`${i}`), { qos: 1 });
  await settled();
  // Nothing of this reaches the disk.
  former.broker.publish('u', Buffer.from('held'), { qos: 1, retain: true });
  former.run();
  const sent: number[] = [];
  for (const { packetId } of publishes(client)) {
    sent.push(packetId);
    client.acknowledge('puback', packetId);
  }
  for (const { packetId } of publishes(client)) sent.push(packetId);
  assert.equal(sent.length, 4);

  const world = await World.after(former, { store: store.kept });
  world.broker.publish('t', Buffer.from('new'), { qos: 1 });
  world.run();
  const again = publishes(world.connect('a', STORED));
  assert.deepEqual(
    again.map(({ payload, dup }) => [Buffer.from(payload).toString(), dup]),
    [...['0', '1', '2', '3', '4', '5'].map((text) => [text, true]), ['new', false]],
  );
  assert.deepEqual(
    again.slice(0, 4).map(({ packetId }) => packetId),
    sent,
  );
});

test('knows exactly what was sent where the connection had ended in order', async () => {
  const former = new World({ store: new MemoryStore(), limits: { inflightMessagesMax: 2 } });
  const client = former.connect('a', STORED);
  client.subscribe('t', { qos: 2 });
  for (let i = 0; i < 4; i++) former.broker.publish('t', Buffer.from(`${i}`), { qos: 2 });
  former.run();
  assert.equal(publishes(client).length, 2);
  client.break();

  const world = await World.after(former);
  assert.deepEqual(
    publishes(world.connect('a', STORED)).map(({ payload, dup }) => [Buffer.from(payload).toString(), dup]),
    [
      ['0', true],
      ['1', true],
      ['2', false],
      ['3', false],
    ],
  );
});

test('hands on no QoS 2 message that was perhaps sent, and what surely was not [MQTT-4.8.2-5]', async () => {
  const former = new World({ store: new MemoryStore(), limits: { inflightMessagesMax: 1 } });
  const client = former.connect('a', STORED);
  client.subscribe('$share/g/t', { qos: 2 });
  for (const payload of ['0', '1']) former.broker.publish('t', Buffer.from(payload), { qos: 2 });
  former.run();

  const world = await World.after(former);
  world.broker.publish('t', Buffer.from('2'), { qos: 2 });
  world.run();
  const other = world.connect('b', STORED);
  other.subscribe('$share/g/t', { qos: 2 });
  world.connect('a', { cleanStart: true });
  assert.deepEqual(other.takePayloads(), ['2']);
});

test('writes nothing for a message that is sent, but for one mark in 33 where each has a batch of its own', () => {
  const store = new MemoryStore();
  let records = 0;
  const commit = store.commit.bind(store);
  store.commit = (batch) => {
    for (const { op } of batch) if (op === 'putSession') records += 1;
    commit(batch);
  };
  const world = new World({ store });
  const client = world.connect('a', STORED);
  client.subscribe('t', { qos: 1 });
  records = 0;
  for (let i = 0; i < 10_000; i++) {
    world.broker.publish('t', Buffer.from('m'), { qos: 1 });
    world.run();
    const [{ packetId }] = publishes(client);
    client.acknowledge('puback', packetId);
  }
  assert.equal(records, 303);
});

test('sends nothing above a mark that is not durable, and goes on when it is', async () => {
  const store = new HeldStore();
  const world = new World({ store, limits: { inflightMessagesMax: 65_535, receiveMaximum: 65_535 } });
  const settled = () => store.letAllThrough(world);
  const client = await world.admit('a', STORED, settled);
  client.send(client.subscribePacket('t', { qos: 1 }));
  await settled();
  client.takeAll();
  for (let i = 0; i < 5_000; i++) world.broker.publish('t', Buffer.from(`${i}`), { qos: 1 });
  world.run();
  assert.equal(publishes(client).length, 64);
  await settled();
  assert.equal(publishes(client).length, 4_936);
});

test('sends what the former broker may have sent with DUP, and only PUBREL for what was received [MQTT-4.4.0-1]', async () => {
  const former = new World({ store: new MemoryStore(), limits: { inflightMessagesMax: 2 } });
  const client = former.connect('a', STORED);
  client.subscribe('t', { qos: 2 });
  const publisher = former.connect('p');
  for (const [i, qos] of ([2, 1, 1, 2] as const).entries()) publisher.publish('t', { qos, payload: `${i}` });
  const [first] = publishes(client);
  client.acknowledge('pubrec', first.packetId);
  client.takeAll();

  const world = await World.after(former, { limits: { inflightMessagesMax: 2 } });
  const again = world.connect('a', STORED);
  assert.equal(again.take('pubrel').packetId, first.packetId);
  const [second] = publishes(again);
  assert.deepEqual(
    [Buffer.from(second.payload).toString(), second.dup, second.packetId],
    ['1', true, first.packetId + 1],
  );
  again.acknowledge('pubcomp', first.packetId);
  again.acknowledge('puback', second.packetId);
  const rest = publishes(again);
  assert.deepEqual(
    rest.map(({ payload, dup }) => [Buffer.from(payload).toString(), dup]),
    [
      ['2', true],
      ['3', true],
    ],
  );
});

test('takes no QoS 2 message twice whose PUBREL had not come [MQTT-4.3.3-10]', async () => {
  const former = new World({ store: new MemoryStore() });
  const publisher = former.connect('p', STORED);
  const subscriber = former.connect('s', STORED);
  subscriber.subscribe('t', { qos: 1 });
  publisher.publish('t', { qos: 2, packetId: 9, payload: 'once' });
  subscriber.acknowledge('puback', publishes(subscriber)[0].packetId);

  const world = await World.after(former);
  const again = world.connect('p', STORED);
  const listener = world.connect('s', STORED);
  again.publish('t', { qos: 2, packetId: 9, payload: 'once', dup: true });
  assert.deepEqual([again.take('pubrec').reasonCode, listener.takePayloads()], [0, []]);
  again.acknowledge('pubrel', 9);
  assert.equal(again.take('pubcomp').reasonCode, 0);
  again.publish('t', { qos: 2, packetId: 9, payload: 'twice' });
  assert.deepEqual(listener.takePayloads(), ['twice']);
});

test('counts every connection as lost at the restart: wills without delay go out at once, also of sessions without expiry [MQTT-3.1.2-8]', async () => {
  const former = new World({ store: new MemoryStore() });
  former.connect('s', STORED).subscribe('will', { qos: 1 });
  former.connect('clean', withWill({}));
  former.connect('stored', withWill(STORED));

  const world = await World.after(former);
  assert.deepEqual(
    world.told('willPublished').map(({ clientId }) => clientId),
    ['clean', 'stored'],
  );
  assert.deepEqual(world.connect('s', STORED).takePayloads(), ['gone', 'gone']);
  assert.equal(sessionOf(world, 'clean'), undefined);
  assert.equal(sessionOf(world, 'stored')?.connected, false);

  const third = await World.after(world);
  assert.deepEqual(third.told('willPublished'), []);
});

test('runs Will Delay and session expiry of a connected client from the restart, and of an absent one as before [MQTT-3.1.3-9]', async () => {
  const former = new World({ store: new MemoryStore() });
  former.connect('connected', withWill(STORED, 20));
  former.connect('absent', withWill(STORED, 20)).break();
  former.pass(5_000);

  const world = await World.after(former, { laterByMs: 5_000 });
  const told = () => world.told('willPublished').map(({ clientId }) => clientId);
  world.pass(9_000);
  assert.deepEqual(told(), []);
  world.pass(2_000);
  assert.deepEqual(told(), ['absent']);
  world.pass(8_000);
  assert.deepEqual(told(), ['absent']);
  world.pass(2_000);
  assert.deepEqual(told(), ['absent', 'connected']);
  world.pass(70_000);
  assert.deepEqual(
    world.told('sessionEnded').map(({ clientId }) => clientId),
    ['absent'],
  );
  world.pass(10_000);
  assert.equal(world.broker.sessionsById.size, 0);
});

test('publishes a will and ends a session whose time came while nothing ran, before anybody comes; expired messages are not sent', async () => {
  const former = new World({ store: new MemoryStore() });
  former.connect('ended', withWill(STORED, 20)).break();
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 10_000 } };
  const waiting = former.connect('waiting', kept);
  waiting.subscribe('t', { qos: 1 });
  waiting.break();
  const publisher = former.connect('p');
  publisher.publish('t', { qos: 1, payload: 'old', retain: true, properties: { messageExpiryInterval: 60 } });
  publisher.publish('t', { qos: 1, payload: 'new' });

  const world = await World.after(former, { laterByMs: 3_600_000 });
  assert.deepEqual(
    world.told('willPublished').map(({ clientId }) => clientId),
    ['ended'],
  );
  assert.deepEqual(
    world.told('sessionEnded').map(({ clientId, reason }) => [clientId, reason]),
    [['ended', 'expired']],
  );
  const early = world.open();
  early.connect({ clientId: 'ended', ...STORED });
  assert.equal(early.take('connack').sessionPresent, false);
  world.pass(2_000);
  assert.equal(world.broker.retained.get('t'), undefined);
  assert.deepEqual(world.connect('waiting', kept).takePayloads(), ['new']);
});

test('ends what came due while nothing ran in slices, each durable before the next', async () => {
  const store = new MemoryStore();
  const former = new World({ store });
  for (let i = 0; i < 20; i++) former.connect(`c${i}`, withWill(STORED, 20)).break();
  const batches: number[] = [];
  const commit = store.commit.bind(store);
  store.commit = (batch) => {
    batches.push(batch.filter(({ op }) => op === 'deleteSession').length);
    commit(batch);
  };
  const clock = new TestClock();
  clock.now = former.clock.now + 3_600_000;
  clock.msPerLook = 4;
  const broker = new Broker({ clock, random: new TestRandom(), store });
  void broker.start();
  for (let round = 0; round < 1_000; round++) {
    clock.endTurn();
    await Promise.resolve();
  }
  assert.equal(broker.sessionsById.size, 0);
  assert.equal(
    batches.reduce((sum, ended) => sum + ended),
    20,
  );
  assert.ok(Math.max(...batches) <= 3, `${batches}`);
});

test('never gives a session number again, also not one that the store is still removing', async () => {
  class WithRemains extends MemoryStore {
    override contents() {
      const { lastSession, retained } = super.contents();
      return { lastSession: Math.max(lastSession, 41), retained };
    }
  }
  const former = new World({ store: new WithRemains() });
  former.connect('a', STORED);
  const world = await World.after(former);
  world.connect('b', STORED);
  const numbers = [...world.broker.sessionsById.values()].map(({ number }) => number);
  assert.deepEqual(numbers, [42, 43]);
});

test('of two sessions under one identifier keeps the newer, and hands over what the older had of a shared subscription', async () => {
  const store = new MemoryStore();
  const former = new World({ store });
  const older = former.connect('a', STORED);
  older.subscribe('$share/g/t', { qos: 2 });
  older.break();
  const publisher = former.connect('p');
  for (const payload of ['1', '2']) publisher.publish('t', { qos: 1, payload });
  // The broker ended between the two commits of a Clean Start.
  const newer: Write = {
    op: 'putSession',
    session: {
      number: 99,
      clientId: 'a',
      username: undefined,
      identity: undefined,
      sessionExpiryInterval: 100,
      expiresAtMs: former.clock.now + 50_000,
      sentUpTo: 0,
    },
  };
  const other: Write = {
    op: 'putSession',
    session: {
      number: 98,
      clientId: 'b',
      username: undefined,
      identity: undefined,
      sessionExpiryInterval: 100,
      expiresAtMs: former.clock.now + 50_000,
      sentUpTo: 0,
    },
  };
  const subscription = {
    filter: '$share/g/t',
    qos: 2,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    identifier: 0,
    replayUpTo: undefined,
  } as const;
  store.commit([newer, other, { op: 'putSubscription', session: 98, subscription }]);

  const world = await World.after(former);
  assert.equal(sessionOf(world, 'a')?.subscriptions, 0);
  assert.equal(world.broker.router.size, 1);
  assert.deepEqual(world.connect('b', STORED).takePayloads(), ['1', '2']);
  const numbers: number[] = [];
  for await (const { record } of store.sessions()) numbers.push(record.number);
  assert.deepEqual(numbers.sort(), [98, 99]);
});

test('does not take up a session that Clean Start ended, where it ended before all of a shared subscription was handed over [MQTT-3.1.2-4]', async () => {
  const store = new HeldStore();
  const former = new World({ store });
  const settled = () => store.letAllThrough(former);
  const client = await former.admit('a', STORED, settled);
  client.send(client.subscribePacket('$share/g/t', { qos: 1 }));
  await settled();
  client.break();
  await settled();
  (await former.admit('p', {}, settled)).publish('t', { qos: 1, payload: 'waits' });
  await settled();
  await former.admit('a', { cleanStart: true }, settled);

  const removal = store.batches.findIndex((batch) => batch.some(({ op }) => op === 'deleteSession'));
  const left = new MemoryStore();
  for (const batch of store.batches.slice(0, removal)) left.commit(batch);
  const world = await World.after(former, { store: left });
  assert.equal(sessionOf(world, 'a'), undefined);
});

test('rejects where the store cannot be read', async () => {
  class Damaged extends MemoryStore {
    override contents(): never {
      throw new Error('key 7 is damaged');
    }
  }
  const broker = new Broker({ clock: new TestClock(), random: new TestRandom(), store: new Damaged() });
  await assert.rejects(broker.start(), /key 7 is damaged/);
});

test('begins a retained replay anew that was not finished, and makes good what came at QoS 0 since', async () => {
  const former = new World({ store: new MemoryStore(), limits: { inflightMessagesMax: 1 } });
  const retain = (world: World, topic: string, payload: string, qos: 0 | 1 = 1) =>
    world.broker.publish(topic, Buffer.from(payload), { retain: true, qos });
  for (let i = 0; i < 5; i++) retain(former, `t/${i}`, `old ${i}`);
  retain(former, 'u', 'whole');
  const client = former.connect('a', STORED);
  client.subscribe('u', { qos: 1 });
  client.answerAll();
  client.subscribe('t/#', { qos: 1, identifier: 9 });
  assert.equal(publishes(client).length, 1);
  client.break();
  retain(former, 't/2', 'missed', 0);
  retain(former, 't/3', 'queued', 1);
  former.run();

  const world = await World.after(former);
  const again = world.connect('a', STORED);
  const came = again.answerAll().map(({ payload, properties }) => {
    assert.deepEqual(properties.subscriptionIdentifiers, [9]);
    return Buffer.from(payload).toString();
  });
  assert.deepEqual([...new Set(came)].sort(), ['missed', 'old 0', 'old 1', 'old 4', 'queued']);
  again.break();

  // It is finished now, and the store knows.
  const third = await World.after(world);
  assert.deepEqual(third.connect('a', STORED).takePayloads(), []);
});

/** Rules that deny wills to one user, and those that leave none to who is in no group. */
function refusingWillsOf(denied: string): Authorizer {
  return {
    permissions: (_clientId, { username, groups }) => ({
      ...PERMIT_ALL,
      mayLeaveWill: () => (username === denied || !groups.includes('people') ? 0x87 : 0),
      explain: () => `not for ${username}`,
    }),
  };
}

const GROUPED: Authenticator = {
  supports: () => false,
  authenticate: ({ connect }) => ({
    kind: 'accept',
    principal: { ...named(connect.username), groups: ['people'], claims: { rules: [] } },
  }),
};

for (const willDelayInterval of [0, 20])
  test(`asks the rules of now for a will that the store has kept, delayed by ${willDelayInterval} s`, async () => {
    const former = new World({ store: new MemoryStore(), authenticator: GROUPED, authorizer: refusingWillsOf('') });
    for (const username of ['ada', 'bob']) {
      const client = former.connect(username, { username, ...withWill(STORED, willDelayInterval) });
      if (willDelayInterval > 0) client.break();
    }
    const world = await World.after(former, { authenticator: GROUPED, authorizer: refusingWillsOf('ada') });
    if (willDelayInterval > 0) assert.equal(world.told('willPublished').length, 0);
    world.pass(21_000);
    assert.deepEqual(
      world.told('willPublished').map(({ clientId }) => clientId),
      ['bob'],
    );
    assert.deepEqual(
      world.told('willRefused').map(({ clientId, username, rule }) => [clientId, username, rule]),
      [['ada', 'ada', 'not for ada']],
    );
    assert.equal(world.broker.metrics.willsRefused, 1);
  });

test('sends no will of which the store does not say who left it, but where nobody was asked who they are', async () => {
  for (const [authenticator, refused] of [
    [GROUPED, 1],
    [undefined, 0],
  ] as const) {
    const store = new MemoryStore();
    const former = new World({ store, authenticator });
    former.connect('ada', { username: 'ada', ...withWill(STORED) });
    for await (const { record, will } of store.sessions())
      if (will) store.commit([{ op: 'putWill', session: record.number, will: { ...will, owner: undefined } }]);
    const world = await World.after(former, { authenticator, authorizer: { permissions: () => undefined } });
    assert.deepEqual([world.told('willRefused').length, world.told('willPublished').length], [refused, 1 - refused]);
  }
});
