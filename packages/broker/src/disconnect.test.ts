import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Will } from '@dunlin/protocol';
import { MemoryStore } from './memory/store.ts';
import { byName } from './testing/by-name.ts';
import { HeldStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const WILL: Will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} };

/** Whether the will of a client goes out when its connection ends in a way. */
function willOf(end: (world: World, client: ReturnType<World['connect']>) => void, version: 3 | 4 | 5 = 5): boolean {
  const world = new World();
  const watcher = world.connect('watcher');
  watcher.subscribe('will');
  end(world, world.connect('a', { protocolVersion: version, will: WILL, keepAlive: 10 }));
  return watcher.takeAll().length === 1;
}

test('discards the will on DISCONNECT with 0x00, in every version [MQTT-3.1.2-10, MQTT-3.14.4-3]', () => {
  for (const version of [3, 4, 5] as const)
    assert.equal(
      willOf((_world, client) => client.disconnect(0), version),
      false,
    );
});

test('publishes the will on DISCONNECT with any other code [MQTT-3.1.2-8]', () => {
  for (const code of [0x04, 0x80, 0x81, 0x82, 0x83, 0x8c, 0x93, 0x95, 0x97, 0x98, 0x99])
    assert.equal(
      willOf((_world, client) => client.send(Buffer.from([0xe0, 1, code]))),
      true,
      `0x${code.toString(16)}`,
    );
});

test('publishes the will when the connection breaks, closes, or is closed by the server [MQTT-3.1.2-8]', () => {
  const ends: ((world: World, client: ReturnType<World['connect']>) => void)[] = [
    (_world, client) => client.break(),
    (world, client) => {
      client.wire.close();
      world.run();
    },
    (_world, client) => client.send(Buffer.from('0000', 'hex')),
    (world) => world.pass(16_000),
    (world) => {
      world.broker.disconnect((session) => session.clientId === 'a');
      world.run();
    },
  ];
  for (const end of ends) assert.equal(willOf(end), true);
});

test('handles nothing after DISCONNECT, and closes the connection [MQTT311-3.14.4-1]', () => {
  const world = new World();
  const client = world.connect('a');
  client.send({ type: 'disconnect', reasonCode: 0, properties: {} }, client.publishPacket('t', { retain: true }));
  assert.deepEqual([client.takeAll(), client.isClosed, world.broker.retained.count], [[], true, 0]);
  assert.equal(world.broker.connections.size, 0);
});

test('closes after DISCONNECT when the store has what it changed', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const client = world.open();
  client.connect({ clientId: 'a', will: WILL, properties: { sessionExpiryInterval: 10 } });
  store.letThrough();
  await world.settle();
  client.take('connack');
  client.disconnect(0);
  await world.settle();
  assert.deepEqual([client.isClosed, world.broker.connections.size], [false, 0]);
  store.letThrough();
  await world.settle();
  assert.equal(client.isClosed, true);
});

test('takes the Session Expiry Interval of DISCONNECT, longer or shorter', () => {
  const world = new World();
  const lengthened = world.connect('a', { properties: { sessionExpiryInterval: 10 } });
  lengthened.disconnect(0, { sessionExpiryInterval: 100 });
  const ended = world.connect('b', { properties: { sessionExpiryInterval: 10 } });
  ended.disconnect(0, { sessionExpiryInterval: 0 });
  assert.deepEqual(
    [...world.broker.sessions()].map((session) => session.clientId),
    ['a'],
  );
  world.pass(90_000);
  assert.equal([...world.broker.sessions()].length, 1);
  world.pass(11_000);
  assert.equal([...world.broker.sessions()].length, 0);
});

test('caps the Session Expiry Interval of DISCONNECT', () => {
  const world = new World({ limits: { sessionExpiryMaxS: 20 } });
  world.connect('a', { properties: { sessionExpiryInterval: 10 } }).disconnect(0, { sessionExpiryInterval: 1_000 });
  world.pass(21_000);
  assert.deepEqual([...world.broker.sessions()], []);
});

test('answers a Session Expiry Interval raised from 0 with 0x82; the will goes out [MQTT-3.14.2-2]', () => {
  assert.equal(
    willOf((_world, client) => {
      client.disconnect(0, { sessionExpiryInterval: 5 });
      assert.deepEqual([client.take('disconnect').reasonCode, client.isClosed], [0x82, true]);
    }),
    true,
  );
});

test('tells a 5.0 client why its connection ends, and just closes 3.x ones [MQTT-4.13.1-1]', () => {
  const world = new World();
  const newer = world.connect('a');
  newer.send(Buffer.from('0000', 'hex'));
  const { reasonCode, properties } = newer.take('disconnect');
  assert.deepEqual([reasonCode, newer.isClosed], [0x81, true]);
  assert.match(properties.reasonString ?? '', /type is 0/);
  const older = world.connect('b', { protocolVersion: 4 });
  older.send(Buffer.from('0000', 'hex'));
  assert.deepEqual([older.takeAll(), older.isClosed], [[], true]);
  assert.equal(world.broker.metrics.malformedPackets, 2);
  assert.equal(world.broker.metrics.connectionsClosedByServer, 2);
});

test('ends the connections that a predicate chooses, with the code given, and says how many', () => {
  const world = new World({ authenticator: byName });
  const clients = ['a', 'b', 'c'].map((clientId) => world.connect(clientId, { username: clientId }));
  const ended = world.broker.disconnect((session) => session.username !== 'b', 0x98);
  world.run();
  assert.equal(ended, 2);
  assert.deepEqual(
    clients.map((client) => client.isClosed),
    [true, false, true],
  );
  assert.equal(clients[0].take('disconnect').reasonCode, 0x98);
});

test('sends everybody away with 0x8B when the broker stops, and stops its clock', async () => {
  const world = new World();
  const newer = world.connect('a', { will: WILL });
  const older = world.connect('b', { protocolVersion: 4 });
  const unfinished = world.open();
  await world.broker.stop();
  world.run();
  assert.equal(newer.take('disconnect').reasonCode, 0x8b);
  assert.deepEqual([newer.isClosed, older.isClosed, unfinished.isClosed], [true, true, true]);
  assert.deepEqual([world.broker.connections.size, world.clock.timers], [0, 0]);
  assert.equal(world.told('draining').length, 1);
  assert.equal(world.broker.metrics.willsPublished, 1);
});

test('tells who disconnected, with which code and by whom', () => {
  const world = new World();
  world.connect('a').disconnect(4);
  world.connect('b').break();
  world.connect('c').send(Buffer.from('0000', 'hex'));
  assert.deepEqual(
    world.told('clientDisconnected').map(({ clientId, reasonCode, by }) => [clientId, reasonCode, by]),
    [
      ['a', 4, 'client'],
      ['b', undefined, 'network'],
      ['c', 0x81, 'server'],
    ],
  );
  assert.equal(world.broker.metrics.connectionsLost, 1);
  assert.equal(world.broker.metrics.disconnectsReceived, 1);
});

test('takes the subscriptions of an ended session out of the router', () => {
  const world = new World();
  const client = world.connect('a');
  client.subscribe('a/+');
  client.subscribe('$share/g/b');
  assert.equal(world.broker.router.size, 2);
  client.disconnect();
  assert.equal(world.broker.router.size, 0);
  assert.equal(world.broker.router.group('$share/g/b'), undefined);
});

test('keeps the Reason String within the Maximum Packet Size of the client [MQTT-3.14.2-3]', () => {
  const client = new World().connect('a', { properties: { maximumPacketSize: 40 } });
  client.send(Buffer.from('0000', 'hex'));
  assert.deepEqual(client.take('disconnect'), { type: 'disconnect', reasonCode: 0x81, properties: {} });
});

test('hands over what a session without expiry had, and tells the store nothing of it that it never had', () => {
  // The memory store refuses the end of a delivery whose beginning it does not know.
  const world = new World({ store: new MemoryStore() });
  const kept = world.connect('kept', { cleanStart: false, properties: { sessionExpiryInterval: 100 } });
  kept.subscribe('t', { qos: 1 });
  kept.break();
  const worker = world.connect('worker', { will: WILL });
  worker.subscribe('$share/g/t', { qos: 1 });
  world.connect('p').publish('t', { qos: 1, payload: 'once' });
  assert.deepEqual(worker.takePayloads(), ['once']);
  worker.break();
  assert.deepEqual([world.told('storeFailed'), world.told('internalError')], [[], []]);
  assert.deepEqual(
    world.connect('kept', { cleanStart: false, properties: { sessionExpiryInterval: 100 } }).takePayloads(),
    ['once'],
  );
});

test('ends what the store has of a session that was taken up to end with its connection', async () => {
  const store = new MemoryStore();
  const world = new World({ store });
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const first = world.connect('a', stored);
  first.subscribe('$share/g/t', { qos: 2 });
  first.break();
  for (const payload of ['1', '2']) world.broker.publish('t', Buffer.from(payload), { qos: 2 });
  world.run();
  const second = world.connect('a', { cleanStart: false });
  const [one] = second.takeAll().filter((packet) => packet.type === 'publish');
  second.acknowledge('pubrec', one.packetId);
  second.acknowledge('pubcomp', one.packetId);
  const left: string[] = [];
  for await (const { record } of store.sessions())
    for (const { message } of store.queue(record.number, 0, 10)) left.push(Buffer.from(message.payload).toString());
  assert.deepEqual(left, ['2']);
});

test('a broker that drains takes what the program publishes until it stops', async () => {
  const world = new World();
  const client = world.connect('a');
  world.broker.drain();
  assert.equal(await world.broker.publish('said', Buffer.from('last'), { qos: 1, retain: true }), 0x10);
  await world.broker.stop();
  world.run();
  assert.equal(client.take('disconnect').reasonCode, 0x8b);
  assert.equal(world.broker.retained.count, 1);
  assert.equal(world.told('draining').length, 1);
});
