import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World, type WorldOptions } from './testing/world.ts';

/** A subscriber that is done when a test says so. */
function held(options: WorldOptions = {}, filter = 'a/+') {
  const world = new World(options);
  const taken: string[] = [];
  const waits: PromiseWithResolvers<void>[] = [];
  const stop = world.broker.subscribeInternally(filter, ({ topic, payload }) => {
    taken.push(`${topic} ${Buffer.from(payload)}`);
    const wait = Promise.withResolvers<void>();
    waits.push(wait);
    return wait.promise;
  });
  return { world, taken, waits, stop };
}

test('what the server makes something of is acknowledged when that is done, behind nothing else [MQTT-3.3.4-1]', async () => {
  const { world, taken, waits } = held();
  const publisher = world.connect('p');
  publisher.publish('a/1', { qos: 1, packetId: 1, payload: 'x' });
  publisher.publish('b', { qos: 1, packetId: 2 });
  publisher.publish('a/2', { qos: 2, packetId: 3, payload: 'y' });
  await world.settle();
  assert.deepEqual([taken, publisher.takeAll()], [['a/1 x', 'a/2 y'], []]);
  waits[1].resolve();
  await world.settle();
  assert.deepEqual(publisher.takeAll(), []);
  waits[0].resolve();
  await world.settle();
  assert.deepEqual(
    publisher.takeAll().map((packet) => [packet.type, 'packetId' in packet && packet.packetId]),
    [
      ['puback', 1],
      ['puback', 2],
      ['pubrec', 3],
    ],
  );
  assert.equal(world.broker.internal.underWay, 0);
});

test('clients get the message without waiting for the server, and somebody wanted it', async () => {
  const { world, waits } = held();
  const subscriber = world.connect('s');
  subscriber.subscribe('#', { qos: 1 });
  const publisher = world.connect('p');
  publisher.publish('a/1', { qos: 1, packetId: 1 });
  assert.deepEqual(subscriber.takePayloads(), ['payload']);
  waits[0].resolve();
  await world.settle();
  assert.equal(publisher.take('puback').reasonCode, 0);
  assert.equal(world.broker.metrics.messagesUnmatched, 0);
});

test('one who is done at once keeps nobody waiting, and one who has stopped gets nothing', () => {
  const world = new World();
  let taken = 0;
  const stop = world.broker.subscribeInternally('#', () => {
    taken += 1;
  });
  const publisher = world.connect('p');
  publisher.publish('a', { qos: 1, packetId: 1 });
  assert.equal(publisher.take('puback').reasonCode, 0);
  stop();
  publisher.publish('a', { qos: 1, packetId: 2 });
  assert.equal(publisher.take('puback').reasonCode, 0x10);
  assert.equal(taken, 1);
  assert.throws(() => world.broker.subscribeInternally('a/#/b', () => {}), { code: 'topic-filter-invalid' });
});

test('where the server fails the message is not acknowledged: its client is closed, and the fault is told', async () => {
  const { world, waits } = held();
  const publisher = world.connect('p');
  publisher.publish('a/1', { qos: 1, packetId: 1 });
  waits[0].reject(new Error('no disk'));
  await world.settle();
  assert.deepEqual(
    publisher.takeAll().map((packet) => packet.type),
    ['disconnect'],
  );
  const silent = world.connect('q');
  silent.publish('a/1', { qos: 0 });
  waits[1].reject(new Error('no disk'));
  await world.settle();
  assert.equal(silent.isClosed, false);
  const told = world.events.filter((event) => event.name === 'internalError');
  assert.deepEqual(
    told.map(({ error }) => /no disk/.test(error)),
    [true, true],
  );
});

test('what takes longer than it may is given up: the client is told 0x89, and it is counted', async () => {
  const { world, waits } = held({ limits: { internalDeliveryTimeoutMs: 1_000 } });
  const early = world.connect('p');
  early.publish('a/1', { qos: 1, packetId: 1 });
  world.clock.pass(900);
  const late = world.connect('q');
  late.publish('a/2', { qos: 1, packetId: 1 });
  world.clock.pass(100);
  await world.settle();
  assert.equal(early.take('disconnect').reasonCode, 0x89);
  assert.equal(late.isClosed, false);
  // What is done after all changes nothing any more.
  waits[0].resolve();
  waits[1].resolve();
  await world.settle();
  assert.equal(late.take('puback').packetId, 1);
  assert.equal(world.broker.metrics.internalDeliveriesRefused, 1);
  assert.ok(world.events.some((event) => event.name === 'limitReached' && event.limit === 'internalDeliveryTimeoutMs'));
});

test('no more is taken than may be under way: the next client is told 0x89, at QoS 0 the message is dropped', async () => {
  const { world, taken, waits } = held({ limits: { internalDeliveriesMax: 2 } });
  const [one, other] = [world.connect('p'), world.connect('q')];
  one.publish('a/1', { qos: 1, packetId: 1 });
  one.publish('a/2', { qos: 1, packetId: 2 });
  other.publish('a/3', { qos: 0 });
  await world.settle();
  assert.equal(other.isClosed, false);
  other.publish('a/4', { qos: 1, packetId: 1 });
  await world.settle();
  assert.equal(other.take('disconnect').reasonCode, 0x89);
  assert.deepEqual(taken, ['a/1 payload', 'a/2 payload']);
  for (const { resolve } of waits) resolve();
  await world.settle();
  one.publish('a/5', { qos: 1, packetId: 3 });
  assert.equal(taken.length, 3);
  assert.equal(world.broker.metrics.internalDeliveriesRefused, 2);
});

test('a QoS 2 message that the server failed to take is a new one when it is sent again', async () => {
  const { world, taken, waits } = held();
  const stored = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
  const publisher = world.connect('p', stored);
  publisher.publish('a/1', { qos: 2, packetId: 7 });
  waits[0].reject(new Error('no disk'));
  await world.settle();
  const again = world.connect('p', stored);
  again.publish('a/1', { qos: 2, packetId: 7, dup: true });
  waits[1].resolve();
  await world.settle();
  assert.equal(again.take('pubrec').packetId, 7);
  assert.equal(taken.length, 2);
});

test('who publishes inside the server learns when it is done', async () => {
  const { world, waits } = held();
  const published = world.broker.publish('a/1', Buffer.from('x'), { qos: 1 });
  waits[0].resolve();
  assert.equal(await published, 0);
});
