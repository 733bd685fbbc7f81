import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Properties } from '@dunlin/protocol';
import type { Client } from './client.ts';
import { connected, createClient, PLAIN, Servers, settled } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';
import type { ReceivedMessage } from './received-message.ts';
import { memoryOutbox } from './testing/memory-outbox.ts';

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

test('drain waits also for what is published while the last bytes leave', async () => {
  const { server, client } = await connected({}, { wire: { highWaterBytes: 10 } });
  let isDrained = false;
  server.pause();
  const large = client.publish('t', 'x'.repeat(1000));
  const draining = client.drain().then(() => {
    isDrained = true;
  });
  await settled();
  const published = client.publish('t', 'y', { qos: 1 });
  server.resume();
  await large;
  await server.next('publish');
  const { packetId } = await server.next('publish');
  await settled();
  assert.equal(isDrained, false);
  server.answer('puback', packetId);
  await Promise.all([published, draining]);
});

for (const [state, expected] of [
  ['connected', ['connecting', 'connected', 'disconnected']],
  [
    'reconnecting',
    ['connecting', 'connected', 'is connected', 'reconnecting', 'disconnected', 'was connected: connection-lost'],
  ],
] as const) {
  test(`connected and disconnected come in pairs, also where a listener disconnects at the state ${state}`, async () => {
    const servers = new Servers(5, {});
    const client = createClient('mqtt://one', { ...PLAIN, reconnect: {}, dial: servers.dial });
    const told: string[] = [];
    client.on('state', (now) => {
      told.push(now);
      if (now === state) void client.disconnect();
    });
    client.on('connected', () => void told.push('is connected'));
    client.on('disconnected', ({ error }) => void told.push(`was connected: ${error?.code}`));
    client.connect().catch(() => {});
    const server = await servers.accept();
    await settled();
    server.cut();
    await client.closed;
    assert.deepEqual(told, expected);
  });
}

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

test('a client with a store goes on as who the outbox belongs to, and refuses to be somebody else', async () => {
  const store = memoryOutbox();
  const first = createClient('mqtt://one', { clientId: 'owner', outbox: { store } });
  const lost = assert.rejects(first.publish('t', 'kept', { qos: 1 }), { code: 'connection-failed' });
  await assert.rejects(first.connect(), { code: 'connection-failed' });
  await lost;
  await first.disconnect();

  const other = createClient('mqtt://one', { clientId: 'other', outbox: { store } });
  await assert.rejects(other.connect(), { code: 'invalid', message: /belongs to "owner"/ });

  const servers = new Servers(5, {});
  const second = createClient('mqtt://one', { keepAlive: 0, outbox: { store }, dial: servers.dial });
  const connecting = second.connect();
  const server = await servers.next();
  const packet = await server.next('connect');
  assert.deepEqual([packet.clientId, packet.cleanStart], ['owner', false]);
  server.send({ type: 'connack', sessionPresent: false, reasonCode: 0, properties: {} });
  await connecting;
  const { payload, packetId } = await server.next('publish');
  assert.equal(String(Buffer.from(payload)), 'kept');
  server.answer('puback', packetId);
  await second.drain();
  await second.disconnect();
  assert.deepEqual((await store.open()).records, []);
});

test('a store that another owner has is told, and the client is not opened', async () => {
  const store = memoryOutbox();
  await store.open();
  const client = createClient('mqtt://one', { outbox: { store } });
  await assert.rejects(client.connect(), { code: 'outbox-failed', errno: 14 });
  assert.equal(client.state, 'disconnected');
});

test('who disconnects and connects again while the store is on its way opens it once', async () => {
  const servers = new Servers(5, {});
  const store = memoryOutbox();
  const client = createClient('mqtt://one', { ...PLAIN, outbox: { store }, dial: servers.dial });
  const first = client.connect();
  const over = client.disconnect();
  await assert.rejects(first, { code: 'closed' });
  const second = client.connect();
  await servers.accept();
  assert.equal((await second).type, 'connack');
  await over;
  await client.disconnect();
  assert.deepEqual((await store.open()).records, []);
});

test('acknowledging by hand goes out in the order of the messages [MQTT-4.6.0-2]', async () => {
  const { server, client } = await connected();
  const messages: ReceivedMessage[] = [];
  const subscribing = client.subscribe('#', { qos: 1, acknowledge: 'manual' }, (message) => messages.push(message));
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [1] });
  await subscribing;
  for (const id of [1, 2, 3]) server.publish({ topic: 'a', qos: 1, packetId: id });
  await settled();
  messages[2].acknowledge();
  messages[1].acknowledge(0x83);
  await server.expectNothing();
  messages[0].acknowledge();
  const codes = [];
  for (let count = 0; count < 3; count++) codes.push((await server.next('puback')).reasonCode);
  assert.deepEqual(codes, [0, 0x83, 0]);
});

const MISTAKES: readonly (readonly [what: string, call: (client: Client) => Promise<unknown>, text: RegExp])[] = [
  [
    'a QoS as text',
    (client) => client.publish('a', 'x', { qos: '1' as never }),
    /qos is 1 \(string\), expected 0 to 2$/,
  ],
  ['a QoS of 3', (client) => client.publish('a', 'x', { qos: 3 as never }), /qos is 3 \(number\), expected 0 to 2$/],
  ['a QoS of null', (client) => client.publish('a', 'x', { qos: null as never }), /qos is null \(object\), expected/],
  ['no topic', (client) => client.publish(undefined as never, 'x'), /: topic is undefined .*, expected text$/],
  ['a topic that is a number', (client) => client.publish(5 as never, 'x'), /: topic is 5 \(number\), expected text$/],
  [
    'a long topic',
    (client) => client.publish('a'.repeat(70_000), 'x'),
    /Topic Name has 70000 bytes, at most 65535 fit/,
  ],
  ['U+0000 in a topic', (client) => client.publish('a\0b', 'x'), /U\+0000/],
  [
    'an unknown property',
    (client) => client.publish('a', 'x', { properties: { contenttype: 'x' } as Properties }),
    /property "contenttype" has no place/,
  ],
  [
    'User Properties as an object',
    (client) => client.publish('a', 'x', { properties: { userProperties: { a: '1' } as never } }),
    /userProperties is object, expected an array/,
  ],
  [
    'User Properties as text',
    (client) => client.publish('a', 'x', { properties: { userProperties: ['ab'] as never } }),
    /userProperties is string, expected \[name, value\]/,
  ],
  [
    'Correlation Data as text',
    (client) => client.publish('a', 'x', { properties: { correlationData: 'abc' as never } }),
    /correlationData is no Uint8Array but string/,
  ],
  [
    'a QoS of 5 in subscribe',
    (client) => client.subscribe('a', { qos: 5 as never }),
    /QoS is 5 \(number\), expected 0 to 2/,
  ],
  [
    'filters as keys',
    (client) => client.subscribe({ 'a/b': { qos: 1 } } as never),
    /it is undefined .*, expected text or \{ filter, qos \}$/,
  ],
  ['a number as filter', (client) => client.unsubscribe(5 as never), /it is 5 \(number\), expected text/],
  [
    'a negative time-out',
    (client) => client.request('a', 'x', { timeoutMs: -1 }),
    /timeoutMs is -1 \(number\), expected 0 or more$/,
  ],
];

for (const [what, call, text] of MISTAKES) {
  test(`a mistake of the caller is 'invalid', and the text names it: ${what}`, async () => {
    const { client } = await connected();
    await assert.rejects(call(client), (error) => {
      assert.ok(error instanceof MqttError);
      assert.match(error.message, text);
      assert.deepEqual([error.code, error.errno, error.reasonCode], ['invalid', 3, undefined]);
      return true;
    });
    assert.equal(client.state, 'connected');
  });
}

test('a publish with a QoS that is none does not wait in the outbox', async () => {
  const client = createClient('mqtt://localhost');
  await assert.rejects(client.publish('a', 'x', { qos: '1' as never }), { code: 'invalid' });
});
