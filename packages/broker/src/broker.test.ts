import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from './memory/store.ts';
import { byName } from './testing/by-name.ts';
import { NamingAuthenticator } from './testing/named.ts';
import { World } from './testing/world.ts';

test('shows every session, connected or not', () => {
  const world = new World({ authenticator: byName });
  const here = world.connect('here', { protocolVersion: 4, username: 'ada' });
  here.subscribe('t', { qos: 1 });
  const away = world.connect('away', { properties: { sessionExpiryInterval: 60 } });
  away.subscribe('t', { qos: 1 });
  away.break();
  world.connect('p').publish('t', { qos: 1 });
  const [first, second] = world.broker.sessions();
  assert.deepEqual(first, {
    clientId: 'here',
    connected: true,
    address: 'memory',
    username: 'ada',
    protocolVersion: 4,
    sessionExpiryInterval: 0,
    subscriptions: 1,
    queuedMessages: 0,
    inflightMessages: 1,
  });
  assert.deepEqual(
    [second.clientId, second.connected, second.address, second.queuedMessages, second.sessionExpiryInterval],
    ['away', false, undefined, 1, 60],
  );
});

test('tells listeners until they are taken away', () => {
  const world = new World();
  const heard: string[] = [];
  const stop = world.broker.onEvent((event) => heard.push(event.name));
  world.connect('a');
  stop();
  world.connect('b');
  assert.deepEqual(heard, ['sessionCreated', 'clientConnected']);
});

test('tells that a limit acted once a second at the most, each limit for itself', () => {
  const world = new World({ limits: { connectionsMax: 1, queueMessagesMax: 1 } });
  world.open();
  for (let i = 0; i < 5; i++) world.open();
  assert.equal(world.told('limitReached').length, 1);
  world.broker.queueFull('a', 'queueMessagesMax');
  assert.equal(world.told('limitReached').length, 2);
  world.pass(1_100);
  world.open();
  assert.equal(world.told('limitReached').length, 3);
  assert.equal(world.broker.metrics.connectionsRefused, 6);
});

test('tells of a connected client what an operator asks first', () => {
  const world = new World({ listener: { name: 'tcp:1883' }, authenticator: byName });
  world.connect('a', { keepAlive: 30, username: 'ada', protocolVersion: 4 });
  assert.deepEqual(world.told('clientConnected'), [
    {
      name: 'clientConnected',
      clientId: 'a',
      address: 'memory',
      listener: 'tcp:1883',
      protocolVersion: 4,
      cleanStart: true,
      sessionPresent: false,
      keepAlive: 30,
      username: 'ada',
      identity: undefined,
    },
  ]);
});

test('names the identity of a client wherever it tells of one that comes, subscribes or goes', () => {
  const world = new World({ authenticator: new NamingAuthenticator() });
  const client = world.connect('a', { username: 'ada' });
  client.subscribe('t');
  client.send({ type: 'unsubscribe', packetId: 9, properties: {}, filters: ['t'] });
  client.break();
  const told = world.events.flatMap((event) => ('identity' in event ? [[event.name, event.identity]] : []));
  assert.deepEqual(told, [
    ['clientConnected', 'test:ada'],
    ['subscribed', 'test:ada'],
    ['unsubscribed', 'test:ada'],
    ['clientDisconnected', 'test:ada'],
  ]);
});

test('stops with the code it is given', async () => {
  const world = new World();
  const client = world.connect('a');
  await world.broker.stop({ reasonCode: 0x9d });
  world.run();
  assert.equal(client.take('disconnect').reasonCode, 0x9d);
});

test('keeps stored sessions and their messages in the store when it stops, and ends the others', async () => {
  const world = new World({ store: new MemoryStore() });
  world.connect('kept', { properties: { sessionExpiryInterval: 60 } }).subscribe('t', { qos: 1 });
  world.connect('ended');
  world.connect('p').publish('t', { qos: 1 });
  await world.broker.stop();
  const stored: string[] = [];
  for await (const { record, subscriptions } of world.broker.store.sessions())
    stored.push(`${record.clientId} ${subscriptions.length}`);
  assert.deepEqual(stored, ['kept 1']);
});

test('leaves nothing behind when thousands of clients come and go', () => {
  const world = new World();
  for (let i = 0; i < 2_000; i++) {
    const client = world.connect(`client${i}`, { keepAlive: 30, properties: { sessionExpiryInterval: i % 3 } });
    client.subscribe(`t/${i}`, { qos: 1 });
    client.subscribe('$share/g/all');
    client.publish(`t/${i}`, { qos: 1 });
    if (i % 2 === 0) client.disconnect();
    else client.break();
  }
  world.pass(10_000);
  const { broker } = world;
  assert.deepEqual(
    [broker.connections.size, broker.sessionsById.size, broker.router.size, broker.pressure.heldBytes],
    [0, 0, 0, 0],
  );
});
