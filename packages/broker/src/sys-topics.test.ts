import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SYS_TOPICS } from './sys-topics.ts';
import { World } from './testing/world.ts';

function world(): World {
  return new World({ version: 'dunlin 1.2.3', settings: { sysIntervalS: 10 } });
}

function said(where: World, name: string): string | undefined {
  return where.broker.retained.get(`$SYS/broker/${name}`)?.payload.toString();
}

test('publishes every topic of the table, retained, when the broker starts', () => {
  const where = world();
  for (const name of Object.keys(SYS_TOPICS)) assert.notEqual(said(where, name), undefined, name);
  assert.equal(said(where, 'version'), 'dunlin 1.2.3');
  assert.equal(said(where, 'uptime'), '0 seconds');
});

test('uses the names that users of Mosquitto know', () => {
  for (const name of [
    'version',
    'uptime',
    'clients/total',
    'clients/connected',
    'clients/disconnected',
    'messages/received',
    'messages/sent',
    'publish/messages/dropped',
    'bytes/received',
    'bytes/sent',
    'retained messages/count',
    'subscriptions/count',
  ])
    assert.ok(name in SYS_TOPICS, name);
});

test('tells the present state at each interval, to those who subscribe', () => {
  const where = world();
  const client = where.connect('a');
  client.subscribe('$SYS/broker/clients/+');
  const away = where.connect('b', { properties: { sessionExpiryInterval: 100 } });
  away.subscribe('t');
  away.break();
  client.takeAll();
  where.pass(9_000);
  assert.deepEqual(client.takeAll(), []);
  where.pass(2_000);
  const values = Object.fromEntries(
    client
      .takeAll()
      .flatMap((packet) =>
        packet.type === 'publish' ? [[packet.topic.split('/').at(-1), Buffer.from(packet.payload).toString()]] : [],
      ),
  );
  assert.deepEqual(values, { total: '2', connected: '1', active: '1', disconnected: '1', inactive: '1' });
  assert.equal(said(where, 'subscriptions/count'), '2');
  assert.equal(said(where, 'uptime'), '10 seconds');
});

test('publishes a value only when it has changed', () => {
  const where = world();
  const client = where.connect('a');
  client.subscribe('$SYS/broker/version');
  client.takeAll();
  where.pass(60_000);
  assert.deepEqual(client.takeAll(), []);
});

test('averages loads a minute over 1, 5 and 15 minutes', () => {
  const where = world();
  const client = where.connect('a');
  // 2 messages a second for an hour: all three come to 120 a minute.
  for (let second = 0; second < 3_600; second++) {
    client.send(client.publishPacket('t'), client.publishPacket('t'));
    where.pass(1_000);
  }
  for (const window of ['1min', '5min', '15min']) {
    const value = Number(said(where, `load/publish/received/${window}`));
    assert.ok(Math.abs(value - 120) < 4, `${window}: ${value}`);
  }
  where.pass(600_000);
  const later = ['1min', '5min', '15min'].map((window) => Number(said(where, `load/publish/received/${window}`)));
  assert.ok(later[0] < later[1] && later[1] < later[2] && later[0] < 1);
});

test('stays out of "#" and lets no client publish there [MQTT-4.7.2-1]', () => {
  const where = world();
  const client = where.connect('a');
  client.subscribe('#');
  where.pass(20_000);
  assert.deepEqual(client.takeAll(), []);
  client.publish('$SYS/broker/version', { qos: 1, payload: 'mine', retain: true });
  assert.equal(client.take('puback').reasonCode, 0x90);
  assert.equal(said(where, 'version'), 'dunlin 1.2.3');
});

test('says nothing where the interval is 0', () => {
  const where = new World();
  where.pass(60_000);
  assert.equal(where.broker.retained.count, 0);
});

test('writes nothing of it to the store', () => {
  const where = world();
  where.pass(30_000);
  assert.equal(where.broker.metrics.writes, 0);
});
