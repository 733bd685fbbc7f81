import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PROPERTIES, topicMatches } from '@dunlin/protocol';
import * as v from 'valibot';
import { z } from 'zod';
import type { Client } from './client.ts';
import { connected, settled } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';
import type { SchemaResult, StandardSchema } from './standard-schema.ts';
import { defineTopics } from './typed-topics.ts';

/** A client whose server brings back what it publishes. */
async function loopback(protocolVersion: 4 | 5 = 5): Promise<Client> {
  const { server, client } = await connected({ protocolVersion });
  const filters: string[] = [];
  const serve = (): void => {
    for (const packet of server.packets.splice(0)) {
      if (packet.type === 'subscribe') {
        filters.push(...packet.subscriptions.map(({ filter }) => filter));
        server.send({ type: 'suback', packetId: packet.packetId, properties: NO_PROPERTIES, reasonCodes: [2] });
      } else if (packet.type === 'publish') {
        if (packet.qos === 1) server.answer('puback', packet.packetId);
        if (filters.some((filter) => topicMatches(filter, packet.topic))) server.publish({ ...packet, qos: 0 });
      }
    }
    if (client.state === 'connected') setImmediate(serve);
  };
  serve();
  return client;
}

/** A schema by hand: a number, of which it makes a text. */
const celsius: StandardSchema<number, string> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value): SchemaResult<string> =>
      typeof value === 'number'
        ? { value: `${value} C` }
        : { issues: [{ message: 'Expected a number', path: ['reading', { key: 0 }] }] },
  },
};

const status = z.object({ online: z.boolean(), since: z.iso.datetime().optional() });
const schemas = {
  'player/{key}/status': status,
  'room/{room}/temperature': celsius,
  'player/{key}/request/{id}': {
    request: v.object({ action: v.picklist(['play', 'stop']) }),
    response: v.object({ playing: v.boolean() }),
    responseTopic: 'player/{key}/response/{id}',
  },
} as const;
const topics = defineTopics(schemas);

function isInvalid(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof MqttError && error.code === 'invalid' && words.test(error.message);
}

test('a message comes with the parameters of its topic and the value that its schema makes of it', async () => {
  await using client = await loopback();
  const typed = topics.with(client);
  const subscription = await typed.subscribe('room/{room}/temperature', {}, { qos: 1 });
  assert.deepEqual(subscription.subscription.filters, ['room/+/temperature']);
  await typed.publish('room/{room}/temperature', { room: 'kitchen' }, 21.5, { qos: 1 });
  for await (const { message, params, value } of subscription) {
    assert.deepEqual([message.topic, params, value], ['room/kitchen/temperature', { room: 'kitchen' }, '21.5 C']);
    break;
  }
});

test('a typed subscription is iterated without waiting for it, or has a handler', async () => {
  await using client = await loopback();
  const typed = topics.with(client);
  const online: boolean[] = [];
  await typed.subscribe('player/{key}/status', { key: '42' }, {}, ({ value }) => online.push(value.online));
  const pending = typed.subscribe('player/{key}/status', {});
  await settled();
  for (const key of ['42', '43']) await typed.publish('player/{key}/status', { key }, { online: key === '42' });
  const keys: string[] = [];
  for await (const { params } of pending) {
    keys.push(params.key);
    if (keys.length === 2) break;
  }
  assert.deepEqual([keys, online], [['42', '43'], [true]]);
});

test('what does not fit its schema is not published', async () => {
  const { server, client } = await connected();
  const typed = topics.with(client);
  const wrong = { online: 'yes' } as never;
  const publishing = typed.publish('player/{key}/status', { key: '42' }, wrong);
  await assert.rejects(publishing, isInvalid(/^Cannot publish to "player\/42\/status": online: /));
  const error: MqttError = await publishing.then(
    () => assert.fail(),
    (reason) => reason,
  );
  assert.equal((error.cause as { path: string[] }[])[0].path[0], 'online');
  await assert.rejects(
    typed.publish('room/{room}/temperature', { room: 'x' }, 'hot' as never),
    isInvalid(/"room\/x\/temperature": reading\.0: Expected a number$/),
  );
  await assert.rejects(typed.publish('player/{key}/status', { key: 'a/b' }, { online: true }), isInvalid(/\{key\}/));
  await assert.rejects(typed.request('nothing' as never, {} as never, {} as never), isInvalid(/defineTopics/));
  await assert.rejects(
    typed.publish('nothing' as never, {} as never, 1 as never),
    isInvalid(/defineTopics is expected/),
  );
  await server.expectNothing();
});

test('what is checked before publishing is what will arrive, not the object at hand', async () => {
  const { server, client } = await connected();
  const typed = defineTopics({ at: z.date(), n: z.number() }).with(client);
  await assert.rejects(typed.publish('at', {}, new Date(0)), isInvalid(/expected date, received string/));
  await assert.rejects(typed.publish('n', {}, Number.NaN), isInvalid(/received null/));
  await assert.rejects(typed.publish('n', {}, 1n as never), isInvalid(/JSON is expected/));
  await assert.rejects(typed.publish('n', {}, undefined as never), isInvalid(/JSON is expected/));
  await server.expectNothing();
});

test('what comes and is not as its topic promises goes to invalid, is acknowledged, and the next one is taken', async () => {
  const { server, client } = await connected();
  const told: string[] = [];
  const typed = topics.with(client, {
    invalid: ({ topic }, { code, message }) => told.push(`${topic} ${code} ${message}`),
  });
  const values: unknown[] = [];
  const subscribing = typed.subscribe('player/{key}/status', {}, { qos: 1 }, ({ value }) => values.push(value));
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [1] });
  await subscribing;
  const texts = ['{', '', '{"online":1}', '{"online":true}'];
  for (const [at, text] of texts.entries()) {
    server.publish({ topic: 'player/42/status', qos: 1, packetId: at + 1, payload: Buffer.from(text) });
  }
  server.publish({ topic: 'player//status', qos: 1, packetId: 9, payload: Buffer.from(texts[3]) });
  for (let count = 0; count < 5; count++) await server.next('puback');
  assert.deepEqual(values, [{ online: true }]);
  assert.equal(typed.stats.invalid, 4);
  assert.match(told[0], /^player\/42\/status invalid Cannot take a message on "player\/42\/status": JSON is expected/);
  assert.match(told[2], /: online: /);
  assert.match(told[3], /^player\/\/status invalid .*: a topic of "player\/\{key\}\/status" is expected$/);
});

test('a schema may be asynchronous; one that throws or rejects makes a message invalid and nothing worse', async () => {
  await using client = await loopback();
  const schema = (validate: (value: unknown) => SchemaResult<unknown> | Promise<SchemaResult<unknown>>) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as const satisfies StandardSchema;
  const typed = defineTopics({
    later: schema(async (value) => ({ value: [value] })),
    throws: schema(() => {
      throw new Error('inside');
    }),
    rejects: schema(() => Promise.reject(new Error('inside'))),
  }).with(client);
  const values: unknown[] = [];
  for (const topic of ['later', 'throws', 'rejects'] as const) {
    await typed.subscribe(topic, {}, {}, ({ value }) => values.push(value));
    await client.publish(topic, '1', { qos: 1 });
  }
  await settled();
  assert.deepEqual([values, typed.stats.invalid], [[[1]], 2]);
  for (const topic of ['throws', 'rejects'] as const) {
    await assert.rejects(typed.publish(topic, {}, 1), isInvalid(/the schema threw Error: inside$/));
  }
});

for (const version of [4, 5] as const) {
  test(`a typed request is answered by a typed responder, level ${version}`, async () => {
    await using client = await loopback(version);
    const typed = topics.with(client);
    const responding = await typed.respond('player/{key}/request/{id}', { key: '42' }, ({ params, value }) => ({
      playing: params.key === '42' && value.action === 'play',
    }));
    assert.deepEqual(responding.filters, ['player/42/request/+']);
    const answer = await typed.request('player/{key}/request/{id}', { key: '42' }, { action: 'play' });
    assert.deepEqual(answer, { playing: true });
  });
}

test('a request and an answer that fail their schemas are told where they are, and not sent on', async () => {
  await using client = await loopback();
  const invalid: string[] = [];
  const failed: unknown[] = [];
  client.on('responderFailed', (error) => failed.push(error));
  const typed = topics.with(client, { invalid: (_, { message }) => invalid.push(message) });
  const template = 'player/{key}/request/{id}';
  await typed.respond(template, { key: 'bad' }, () => ({ playing: 'loud' }) as never);
  const options = { params: { key: 'bad' }, responseTopic: 'player/{key}/response/{id}', timeoutMs: 50 };
  const timesOut = (error: unknown) => error instanceof MqttError && error.code === 'timed-out';
  await assert.rejects(client.request(template, { action: 'dance' }, options), timesOut);
  assert.equal(invalid.length, 1);
  await assert.rejects(typed.request(template, { key: 'bad' }, { action: 'play' }, { timeoutMs: 50 }), timesOut);
  assert.ok(isInvalid(/^Cannot respond to "player\/bad\/request\/\w+": playing: /)(failed[0]));
  client.respond(template, () => '{"playing":1}', { responseTopic: options.responseTopic, params: { key: 'worse' } });
  const asking = typed.request(template, { key: 'worse' }, { action: 'play' });
  await assert.rejects(asking, isInvalid(/^Cannot request "player\/\{key\}\/request\/\{id\}": playing: /));
  await assert.rejects(typed.request(template, { key: '1' }, { action: 'x' } as never), isInvalid(/: action: /));
});

test('a hook for invalid messages that throws disturbs neither the subscription nor the connection', async (t) => {
  await using client = await loopback();
  const uncaught: unknown[] = [];
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of before) process.on('uncaughtException', listener);
  });
  const fail = (): void => {
    throw new Error('in the hook');
  };
  const subscription = await topics.with(client, { invalid: fail }).subscribe('player/{key}/status', {});
  for (const text of ['wrong', '{"online":true}']) await client.publish('player/42/status', text);
  for await (const { value } of subscription) {
    assert.deepEqual(value, { online: true });
    break;
  }
  assert.deepEqual(uncaught.map(String), ['Error: in the hook']);
});

test('templates are read where they are defined', () => {
  assert.throws(() => defineTopics({ 'a/b{c}': status }), isInvalid(/"a\/b\{c\}"/));
});

test('a subscription that is refused rejects, and throws in the loop where it is iterated', async () => {
  const { server, client } = await connected();
  const typed = topics.with(client);
  const refuse = async (): Promise<void> => {
    const { packetId } = await server.next('subscribe');
    server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0x87] });
  };
  const waiting = typed.subscribe('player/{key}/status', {});
  const iterating = (async () => {
    for await (const _ of typed.subscribe('player/{key}/status', {})) assert.fail();
  })();
  const answering = refuse().then(refuse);
  await Promise.all([
    assert.rejects(waiting, /Not authorized/),
    assert.rejects(iterating, /Not authorized/),
    answering,
  ]);
});
