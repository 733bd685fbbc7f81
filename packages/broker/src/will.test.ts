import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties, Will } from '@dunlin/protocol';
import { PERMIT_ALL } from './memory/permit-all.ts';
import type { TestClient, TestConnect } from './testing/client.ts';
import { World } from './testing/world.ts';

const WILL: Will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} };

function delayed(willDelayInterval: number, sessionExpiryInterval: number): TestConnect {
  return {
    cleanStart: false,
    properties: { sessionExpiryInterval },
    will: { ...WILL, properties: { willDelayInterval } },
  };
}

function watch(world: World): TestClient {
  const watcher = world.connect('watcher');
  watcher.subscribe('#', { qos: 2 });
  return watcher;
}

test('sends a will with its QoS, payload and properties, but not with its delay [MQTT-3.1.3-9]', () => {
  const world = new World();
  const watcher = watch(world);
  const properties: Properties = {
    payloadFormatIndicator: 1,
    messageExpiryInterval: 30,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Buffer.from('c1'),
    userProperties: [['k', 'v']],
  };
  world.connect('a', { will: { ...WILL, properties } }).break();
  const will = watcher.take('publish');
  assert.deepEqual(
    [will.topic, will.qos, will.retain, Buffer.from(will.payload).toString()],
    ['will', 1, false, 'gone'],
  );
  assert.deepEqual(
    { ...will.properties, correlationData: Buffer.from(will.properties.correlationData ?? []).toString() },
    { ...properties, correlationData: 'c1' },
  );
  assert.deepEqual(
    world.told('willPublished').map((event) => event.clientId),
    ['a'],
  );
});

test('keeps a retained will as the retained message of its topic [MQTT-3.1.2-15]', () => {
  const world = new World();
  world.connect('a', { will: { ...WILL, retain: true } }).break();
  assert.equal(world.broker.retained.get('will')?.payload.toString(), 'gone');
});

test('publishes a will of no bytes', () => {
  const world = new World();
  const watcher = watch(world);
  world.connect('a', { will: { ...WILL, payload: new Uint8Array(0) } }).break();
  assert.equal(watcher.take('publish').payload.length, 0);
});

for (const [delay, expiry, dueS] of [
  [10, 30, 10],
  [30, 10, 10],
  [10, 0xffffffff, 10],
  [0, 30, 0],
]) {
  test(`sends a will with delay ${delay} of a session of ${expiry} s after ${dueS} s, once [MQTT-3.1.2-8]`, () => {
    const world = new World();
    const watcher = watch(world);
    world.connect('a', delayed(delay, expiry)).break();
    if (dueS > 0) {
      world.pass(dueS * 1_000 - 500);
      assert.deepEqual(watcher.takeAll(), []);
      world.pass(1_500);
    }
    assert.equal(watcher.takeAll().length, 1);
    world.pass(60_000);
    assert.deepEqual(watcher.takeAll(), []);
  });
}

test('does not send a delayed will when the client comes back before it is due [MQTT-3.1.3-9]', () => {
  const world = new World();
  const watcher = watch(world);
  world.connect('a', delayed(10, 30)).break();
  world.pass(9_000);
  world.connect('a', { cleanStart: false, properties: { sessionExpiryInterval: 30 } });
  world.pass(60_000);
  assert.deepEqual(watcher.takeAll(), []);
});

test('sends a delayed will at once when the client comes back with Clean Start 1', () => {
  const world = new World();
  const watcher = watch(world);
  world.connect('a', delayed(10, 30)).break();
  world.connect('a', { cleanStart: true });
  assert.equal(watcher.takeAll().length, 1);
});

test('waits the whole delay again after the next break of a connection', () => {
  const world = new World();
  const watcher = watch(world);
  world.connect('a', delayed(10, 100)).break();
  world.pass(8_000);
  const back = world.connect('a', delayed(10, 100));
  world.pass(8_000);
  back.break();
  world.pass(9_000);
  assert.deepEqual(watcher.takeAll(), []);
  world.pass(2_000);
  assert.equal(watcher.takeAll().length, 1);
});

test('counts the Message Expiry Interval of a will from its publication', () => {
  const world = new World();
  const watcher = watch(world);
  const { will, ...rest } = delayed(10, 30);
  world
    .connect('a', { ...rest, will: { ...WILL, properties: { ...will?.properties, messageExpiryInterval: 5 } } })
    .break();
  world.pass(10_500);
  assert.equal(watcher.take('publish').properties.messageExpiryInterval, 5);
});

test('asks again for permission when a will is due, and drops it without', () => {
  let allowed = true;
  const world = new World({
    authorizer: { permissions: () => ({ ...PERMIT_ALL, mayLeaveWill: () => (allowed ? 0 : 0x87) }) },
  });
  const watcher = watch(world);
  const client = world.connect('a', { will: WILL });
  allowed = false;
  client.break();
  assert.deepEqual(watcher.takeAll(), []);
  assert.deepEqual(
    world.told('willRefused').map(({ clientId, topic, reasonCode, rule }) => [clientId, topic, reasonCode, rule]),
    [['a', 'will', 0x87, 'everything is permitted']],
  );
  assert.equal(world.broker.metrics.willsRefused, 1);
});

test('sends no will to the client itself where No Local forbids it', () => {
  const world = new World();
  const client = world.connect('a', delayed(0, 30));
  client.subscribe('will', { qos: 1, noLocal: true });
  client.break();
  assert.equal([...world.broker.sessions()].find((session) => session.clientId === 'a')?.queuedMessages, 0);
});

test('keeps the will of an older CONNECT out of the newer connection', () => {
  const world = new World();
  const watcher = watch(world);
  world.connect('a', delayed(10, 30)).break();
  world.connect('a', { cleanStart: false, properties: { sessionExpiryInterval: 30 } }).break();
  world.pass(20_000);
  assert.deepEqual(watcher.takeAll(), []);
});
