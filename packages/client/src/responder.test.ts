import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PROPERTIES, type PublishPacket } from '@dunlin/protocol';
import type { Client } from './client.ts';
import type { PublishOptions } from './client-api.ts';
import { connected, type Script, type ScriptedServer, settled } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';
import { ReceivedMessage } from './received-message.ts';
import { type RequestHandler, type RespondOptions, responder } from './responder.ts';

/** A connected responder. */
async function responding<const Filter extends string>(
  filter: Filter,
  handler: RequestHandler<Filter>,
  options: RespondOptions<Filter> = {},
  script: Script = {},
): Promise<{ server: ScriptedServer; client: Client }> {
  const { server, client } = await connected({}, script);
  const subscribing = client.respond(filter, handler, options);
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [2] });
  await subscribing;
  return { server, client };
}

test('an answer goes to the Response Topic with the Correlation Data, the QoS and the time of its request', async () => {
  const { server } = await responding('player/{key}/request', (request, { key }) => ({ key, asked: request.text() }));
  const correlationData = Uint8Array.of(0, 255, 7);
  server.publish({
    topic: 'player/42/request',
    qos: 1,
    packetId: 9,
    payload: Buffer.from('state?'),
    properties: { responseTopic: 'r/1', correlationData, messageExpiryInterval: 12 },
  });
  assert.equal((await server.next('puback')).packetId, 9);
  const { topic, qos, payload, properties } = await server.next('publish');
  assert.deepEqual([topic, qos, Buffer.from(payload).toString()], ['r/1', 1, '{"key":"42","asked":"state?"}']);
  assert.equal(properties.messageExpiryInterval, 12);
  assert.deepEqual(new Uint8Array(properties.correlationData ?? []), correlationData);
});

test('a request is acknowledged when it is taken, so that its handler may make requests of its own', async () => {
  const { server } = await responding('ask', () => new Promise(() => {}));
  for (const packetId of [1, 2]) {
    server.publish({ topic: 'ask', qos: 1, packetId, properties: { responseTopic: 'r' } });
    assert.equal((await server.next('puback')).packetId, packetId);
  }
});

test('by template an answer goes where the template says, in 3.1.1 too', async () => {
  const options = { responseTopic: 'player/{key}/response/{id}', qos: 0 } as const;
  const handler = async (request: ReceivedMessage) => request.payload;
  const { server } = await responding('player/{key}/request/{id}', handler, options, { version: 4 });
  server.publish({ topic: 'player/42/request/abc', payload: Buffer.from('x') });
  const { topic, payload, qos } = await server.next('publish');
  assert.deepEqual([topic, Buffer.from(payload).toString(), qos], ['player/42/response/abc', 'x', 0]);
});

test('a responder with a template does not follow the Response Topic of a request', async () => {
  const { server } = await responding('job/{id}', () => 'x', { responseTopic: 'done/{id}' });
  server.publish({ topic: 'job/1', properties: { responseTopic: 'admin/command' } });
  assert.equal((await server.next('publish')).topic, 'done/1');
});

test('a handler that throws or rejects is told, its requester gets no answer, and the next request is served', async () => {
  const { server, client } = await responding('t/{how}', (_, { how }) => {
    if (how === 'throws') throw new Error('thrown');
    return how === 'rejects' ? Promise.reject(new Error('rejected')) : how;
  });
  const told: string[] = [];
  client.on('responderFailed', (error, request) => told.push(`${request.topic} ${error}`));
  for (const how of ['throws', 'rejects', 'works']) {
    server.publish({ topic: `t/${how}`, properties: { responseTopic: 'r' } });
  }
  assert.equal(Buffer.from((await server.next('publish')).payload).toString(), 'works');
  assert.deepEqual(told, ['t/throws Error: thrown', 't/rejects Error: rejected']);
  await server.expectNothing();
  assert.equal(client.state, 'connected');
});

test('an answer that the server refuses is told', async () => {
  const { server, client } = await responding('t', () => 'x');
  const failed = new Promise((resolve) => client.on('responderFailed', resolve));
  server.publish({ topic: 't', qos: 1, packetId: 1, properties: { responseTopic: 'r' } });
  await settled();
  const answer = server.packets.find((packet) => packet.type === 'publish');
  server.answer('puback', answer?.packetId ?? 0, 0x87);
  const error = (await failed) as MqttError;
  assert.deepEqual([error.code, error.reasonCode], ['refused', 0x87]);
});

test('a handler that gives nothing sends nothing', async () => {
  const { server, client } = await responding('t', () => undefined);
  server.publish({ topic: 't', properties: { responseTopic: 'r' } });
  await server.expectNothing();
  assert.equal(client.stats.requestsIgnored, 0);
});

test('a template of answers must be filled from that of requests', () => {
  const invalid = (error: unknown) => error instanceof MqttError && error.code === 'invalid';
  const client = { stats: { requestsIgnored: 0 }, publish: assert.fail };
  assert.throws(() => responder(client, assert.fail, 'a/{id}', () => '', { responseTopic: 'b/{key}' }), invalid);
  assert.throws(() => responder(client, assert.fail, 'a{id}', () => ''), invalid);
});

/** A responder without a wire; what it answers and tells. */
function loose<const Filter extends string>(
  filter: Filter,
  handler: RequestHandler<Filter>,
  options?: RespondOptions<Filter>,
) {
  const answers: { topic: string; options: PublishOptions }[] = [];
  const failures: unknown[] = [];
  const client = {
    stats: { requestsIgnored: 0 },
    publish: async (topic: string, _payload: unknown, publishing: PublishOptions) => {
      answers.push({ topic, options: publishing });
      return { reasonCode: 0, properties: NO_PROPERTIES };
    },
  };
  const failed = (error: unknown): void => void failures.push(error);
  const receive = responder(client, failed, filter, handler, options);
  return {
    answers,
    failures,
    ignored: () => client.stats.requestsIgnored,
    ask: (topic: string, fields: Partial<PublishPacket> = {}): void => {
      const plain = { type: 'publish', qos: 0, dup: false, retain: false, packetId: 0, topic } as const;
      receive(new ReceivedMessage({ ...plain, payload: new Uint8Array(), properties: {}, ...fields }, topic));
    },
  };
}

test('a request without a topic that can be answered on never reaches the handler', async () => {
  const { ask, answers, ignored } = loose('t', assert.fail);
  ask('t');
  for (const responseTopic of ['', '#', 'a/+', 'a/#', 'a+b', '\0', 'x'.repeat(65_536), '\ud800']) {
    ask('t', { properties: { responseTopic } });
  }
  await settled();
  assert.deepEqual([answers, ignored()], [[], 9]);
});

test('a retained request is not answered again with every subscription', async () => {
  const { ask, answers, ignored } = loose('t', () => 'x');
  ask('t', { retain: true, properties: { responseTopic: 'r' } });
  await settled();
  assert.deepEqual([answers, ignored()], [[], 1]);
});

test('a request whose topic holds what a parameter may not is not answered', async () => {
  const { ask, answers, ignored } = loose('t/{key}', () => 'x');
  ask('t/', { properties: { responseTopic: 'r' } });
  await settled();
  assert.deepEqual([answers, ignored()], [[], 1]);
});

test('an answer is never a request to the same responder, whatever the parameters are', async () => {
  const { ask, answers, failures, ignored } = loose('a/{id}/response', () => 'x', { responseTopic: 'a/response/{id}' });
  ask('a/response/response');
  ask('a/1/response');
  await settled();
  assert.deepEqual([answers.map(({ topic }) => topic), failures, ignored()], [['a/response/1'], [], 1]);
});

test('a parameter that would lead an answer into the topics of the server is told as a failure', async () => {
  const { ask, answers, failures } = loose('a/{root}/{id}', assert.fail, { responseTopic: '{root}/{id}' });
  ask('a/$SYS/x');
  await settled();
  assert.deepEqual([answers, failures.map((error) => (error as MqttError).code)], [[], ['invalid']]);
});

test('requests above requestsMax at once are ignored and counted', async () => {
  const ends: (() => void)[] = [];
  const handler = () => new Promise<string>((resolve) => ends.push(() => resolve('x')));
  const { ask, answers, ignored } = loose('t', handler, { requestsMax: 2 });
  const request = { properties: { responseTopic: 'r' } };
  for (let count = 0; count < 3; count++) ask('t', request);
  assert.deepEqual([ends.length, ignored()], [2, 1]);
  for (const end of ends.splice(0)) end();
  await settled();
  ask('t', request);
  assert.deepEqual([ends.length, answers.length, ignored()], [1, 2, 1]);
});
