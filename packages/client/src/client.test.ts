import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connected } from './contract/scripted-server.ts';

// What the client does on the wire is tested in contract/, by section of the standard.

test('a client counts what it sends and receives', async () => {
  const { server, client } = await connected();
  await client.publish('t', 'x');
  const publishing = client.publish('t', 'x', { qos: 1 });
  await server.next('publish');
  server.answer('puback', (await server.next('publish')).packetId);
  await publishing;
  server.publish({ topic: 'a', qos: 1, packetId: 1 });
  await server.next('puback');
  const { sent, acknowledged, received, dropped } = client.stats;
  assert.deepEqual([sent, acknowledged, received, dropped], [2, 1, 1, 0]);
});

test('many publishes of one turn leave in one write', async () => {
  const chunks: number[] = [];
  const chunkBytes = (length: number): number => {
    chunks.push(length);
    return length;
  };
  const { server, client } = await connected({}, { wire: { chunkBytes } });
  chunks.length = 0;
  await Promise.all(Array.from({ length: 100 }, () => client.publish('t', 'x')));
  for (let count = 0; count < 100; count++) await server.next('publish');
  assert.deepEqual(chunks, [700]);
});

test('a listener can be taken away, and one that throws disturbs nobody', async (t) => {
  const { server, client } = await connected();
  const uncaught: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  const topics: string[] = [];
  const off = client.on('message', ({ topic }) => void topics.push(topic));
  const failing = (): void => {
    throw new Error('in the listener');
  };
  client.on('message', failing);
  server.publish({ topic: 'a', qos: 1, packetId: 1 });
  await server.next('puback');
  off();
  client.off('message', failing);
  server.publish({ topic: 'b', qos: 1, packetId: 2 });
  await server.next('puback');
  assert.deepEqual(topics, ['a']);
  assert.deepEqual(uncaught.map(String), ['Error: in the listener']);
  assert.equal(client.state, 'connected');
});

test('what the server does not take is told by limits', async () => {
  const properties = { maximumQoS: 1 as const, retainAvailable: 0 as const, topicAliasMaximum: 3 };
  const { client } = await connected({}, { properties });
  assert.deepEqual(client.limits, {
    receiveMaximum: 65_535,
    maximumQoS: 1,
    retainAvailable: false,
    maximumPacketSize: 268_435_460,
    topicAliasMaximum: 3,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifierAvailable: true,
    sharedSubscriptionAvailable: true,
  });
});
