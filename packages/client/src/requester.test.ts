import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublishPacket } from '@dunlin/protocol';
import fc from 'fast-check';
import { connected, type ScriptedServer, settled } from './contract/scripted-server.ts';
import type { Environment } from './environment.ts';
import { SYSTEM } from './environment.ts';
import { MqttError } from './errors.ts';
import { operation } from './operation.ts';
import type { MessageHandler } from './options.ts';
import { ReceivedMessage } from './received-message.ts';
import { Requester, type RequesterClient, type RequestOptions } from './requester.ts';

function fails(promise: Promise<unknown>, code: string, words: RegExp): Promise<void> {
  return assert.rejects(
    promise,
    (error) => error instanceof MqttError && error.code === code && words.test(error.message),
  );
}

/** Takes the SUBSCRIBE for answers and grants it; returns its filter. */
async function grant(server: ScriptedServer): Promise<string> {
  const { packetId, subscriptions } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [2] });
  return subscriptions[0].filter;
}

/** Takes a request and acknowledges it. */
async function asked(server: ScriptedServer): Promise<PublishPacket> {
  const request = await server.next('publish');
  if (request.qos > 0) server.answer('puback', request.packetId);
  return request;
}

function reply(server: ScriptedServer, { properties }: PublishPacket, text: string): void {
  const { responseTopic = '', correlationData = new Uint8Array() } = properties;
  server.publish({ topic: responseTopic, payload: Buffer.from(text), properties: { correlationData } });
}

test('a request of 5.0 names a topic of its client and data of its own, and ends with its time-out', async () => {
  const { server, client } = await connected();
  const answer = client.request('player/42/request', { volume: 3 }, { timeoutMs: 4200 });
  assert.equal(await grant(server), 'dunlin/response/test');
  const request = await asked(server);
  assert.deepEqual(
    [request.topic, request.qos, Buffer.from(request.payload).toString()],
    ['player/42/request', 1, '{"volume":3}'],
  );
  assert.deepEqual(request.properties.responseTopic, 'dunlin/response/test');
  assert.equal(request.properties.messageExpiryInterval, 5);
  reply(server, request, 'done');
  assert.equal((await answer).text(), 'done');
});

test('the answers of several requests come in any order, by one subscription', async () => {
  const { server, client } = await connected();
  const answers = ['a', 'b', 'c'].map((name) => client.request(`do/${name}`, name, { qos: 0 }));
  await grant(server);
  const requests = [await asked(server), await asked(server), await asked(server)];
  for (const request of requests.toReversed()) reply(server, request, `of ${request.topic}`);
  assert.deepEqual(
    (await Promise.all(answers)).map((answer) => answer.text()),
    ['of do/a', 'of do/b', 'of do/c'],
  );
  await server.expectNothing();
});

test('by template a request finds its answer in 3.1.1 too', async () => {
  const { server, client } = await connected({ protocolVersion: 4 });
  const options = { params: { key: '42' }, responseTopic: 'player/{key}/response/{id}', qos: 0 } as const;
  const [first, second] = ['one', 'two'].map((text) => client.request('player/{key}/request/{id}', text, options));
  assert.equal(await grant(server), 'player/42/response/+');
  const topics = [(await server.next('publish')).topic, (await server.next('publish')).topic];
  const [one, two] = topics.map((topic) => /^player\/42\/request\/(\d{16,48})$/.exec(topic)?.[1]);
  assert.notEqual(one, two);
  server.publish({ topic: `player/42/response/${two}`, payload: Buffer.from('2') });
  server.publish({ topic: `player/42/response/${one}`, payload: Buffer.from('1') });
  assert.deepEqual([(await first).text(), (await second).text()], ['1', '2']);
});

test('by template a request of 5.0 is answered also by one who knows nothing of Correlation Data', async () => {
  const { server, client } = await connected();
  const answer = client.request('job/{id}', '', { responseTopic: 'done/{id}' });
  assert.equal(await grant(server), 'done/+');
  const { topic, properties } = await asked(server);
  assert.equal(properties.responseTopic, topic.replace('job', 'done'));
  server.publish({ topic: topic.replace('job', 'done'), payload: Buffer.from('x') });
  assert.equal((await answer).text(), 'x');
});

test('the default topic stands under the Response Information of the server, safe for any Client Identifier', async () => {
  const { server, client } = await connected({ clientId: 'a/+#ä' }, { properties: { responseInformation: 'reply' } });
  client.request('t', '').catch(() => {});
  assert.equal(await grant(server), 'reply/a%2F%2B%23%C3%A4');
});

test('before 5.0 a request needs {id} in topic and response topic', async () => {
  const { server, client } = await connected({ protocolVersion: 4 });
  await fails(client.request('t', ''), 'not-supported', /\{id\} is expected in topic and responseTopic$/);
  await fails(client.request('t', '', { responseTopic: 'r/{id}' }), 'not-supported', /^Cannot request "t"/);
  await fails(client.request('t/{id}', '', { responseTopic: 'r' }), 'not-supported', /before MQTT 5\.0/);
  await server.expectNothing();
});

test('late, repeated, foreign and malformed answers are ignored and counted', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '');
  await grant(server);
  const request = await asked(server);
  const topic = request.properties.responseTopic as string;
  server.publish({ topic });
  server.publish({ topic, properties: { correlationData: Uint8Array.of(0xff, 0xfe) } });
  server.publish({ topic, properties: { correlationData: Buffer.from(topic) } });
  reply(server, request, 'right');
  reply(server, request, 'again');
  assert.equal((await answer).text(), 'right');
  const controller = new AbortController();
  const second = client.request('t', '', { signal: controller.signal });
  const late = await asked(server);
  controller.abort();
  await assert.rejects(second);
  reply(server, late, 'late');
  await settled();
  assert.equal(client.stats.responsesIgnored, 5);
  assert.equal(client.state, 'connected');
});

test('data of one request on the topic of another is no answer', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '', { responseTopic: 'mine' });
  await grant(server);
  const { correlationData } = (await asked(server)).properties;
  const other = client.request('t', '', { responseTopic: 'other' });
  await grant(server);
  await asked(server);
  server.publish({ topic: 'other', properties: { correlationData: correlationData as Uint8Array } });
  await settled();
  assert.equal(client.stats.responsesIgnored, 1);
  server.publish({ topic: 'mine', properties: { correlationData: correlationData as Uint8Array } });
  await answer;
  const ending = fails(other, 'closed', /^Cannot request "t": the client was disconnected$/);
  await client.disconnect();
  await ending;
});

for (const qos of [1, 2] as const) {
  test(`a server that tells at QoS ${qos} that nobody listens ends the request at once`, async () => {
    const { server, client } = await connected();
    const answer = client.request('t', '', { qos });
    await grant(server);
    const { packetId } = await server.next('publish');
    server.answer(qos === 1 ? 'puback' : 'pubrec', packetId, 0x10);
    if (qos === 2) server.answer('pubcomp', (await server.next('pubrel')).packetId);
    const error = await answer.then(
      () => assert.fail(),
      (reason: MqttError) => reason,
    );
    assert.deepEqual([error.code, error.reasonCode, error.errno], ['refused', 0x10, 6]);
    assert.match(error.message, /^Cannot request "t": No matching subscribers \(0x10\)$/);
  });
}

test('a request that is over before its subscription stands is not sent', async () => {
  const { server, client } = await connected();
  const controller = new AbortController();
  const answer = client.request('t', '', { signal: controller.signal });
  const { packetId } = await server.next('subscribe');
  controller.abort(new Error('enough'));
  await fails(answer, 'aborted', /^Cannot request "t": aborted$/);
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [2] });
  await server.expectNothing();
  await fails(client.request('t', '', { signal: controller.signal }), 'aborted', /aborted/);
  await server.expectNothing();
});

test('a request that nobody answers times out', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '', { timeoutMs: 1 });
  await fails(answer, 'timed-out', /^Cannot request "t": no answer within 1 ms$/);
  await grant(server);
});

test('requests end with the client, and say why', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '');
  await grant(server);
  await asked(server);
  server.send({ type: 'disconnect', reasonCode: 0x98, properties: {} });
  const error = await answer.then(
    () => assert.fail(),
    (reason: MqttError) => reason,
  );
  assert.deepEqual([error.code, error.reasonCode], ['server-disconnected', 0x98]);
  assert.match(error.message, /^Cannot request "t": /);
});

test('a subscription for answers that the server refuses ends the request, and the next one asks again', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '');
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [0x87] });
  await fails(answer, 'refused', /^Cannot subscribe to "dunlin\/response\/test": Not authorized/);
  const second = client.request('t', '', { qos: 0 });
  await grant(server);
  reply(server, await asked(server), 'x');
  await second;
});

test('a publish that is refused ends the request', async () => {
  const { server, client } = await connected();
  const answer = client.request('t', '');
  await grant(server);
  server.answer('puback', (await server.next('publish')).packetId, 0x87);
  await fails(answer, 'refused', /^Cannot publish to "t": Not authorized/);
});

test('more than requestsMax open requests are refused, and what cannot be is told before anything is sent', async () => {
  const { server, client } = await connected({ requestsMax: 1 });
  await fails(client.request('a/{key}', ''), 'invalid', /\{key\} is undefined/);
  await fails(client.request('a', '', { responseTopic: 'b/#' }), 'invalid', /it is a filter/);
  await fails(client.request('a', 1n as never), 'invalid', /payload/);
  await server.expectNothing();
  const answer = client.request('t', '');
  await fails(client.request('t', ''), 'queue-full', /1 requests wait/);
  await grant(server);
  reply(server, await asked(server), 'x');
  await answer;
});

test('a subscription that the application took away is made again', async () => {
  const { server, client } = await connected();
  const first = client.request('t', '', { qos: 0 });
  const filter = await grant(server);
  reply(server, await asked(server), 'x');
  await first;
  const unsubscribing = client.unsubscribe(filter);
  const { packetId } = await server.next('unsubscribe');
  server.send({ type: 'unsuback', packetId, properties: {}, reasonCodes: [0] });
  await unsubscribing;
  const second = client.request('t', '', { qos: 0 });
  assert.equal(await grant(server), filter);
  reply(server, await asked(server), 'y');
  assert.equal((await second).text(), 'y');
});

/** A client without a wire: requests are kept, and `answer` brings one to whom has subscribed. */
class LooseClient implements RequesterClient {
  readonly protocolVersion = 5;
  readonly clientId = 'loose';
  readonly connack = undefined;
  readonly stats = { responsesIgnored: 0 };
  readonly asked: { readonly topic: string; readonly responseTopic: string; readonly correlationData: Uint8Array }[] =
    [];
  readonly subscribed: string[] = [];
  readonly unsubscribed: string[] = [];
  /** Timers that run: what to call. */
  readonly timers = new Set<() => void>();
  readonly environment: Environment = {
    ...SYSTEM,
    setTimer: (_ms, call) => {
      this.timers.add(call);
      return () => this.timers.delete(call);
    },
  };
  readonly #handlers = new Map<string, MessageHandler>();

  tell: Parameters<RequesterClient['on']>[1] = () => {};

  on(_name: 'state', listener: Parameters<RequesterClient['on']>[1]): () => void {
    this.tell = listener;
    return () => {};
  }

  subscribe(filter: string, _options: unknown, handler: MessageHandler): ReturnType<RequesterClient['subscribe']> {
    this.subscribed.push(filter);
    this.#handlers.set(filter, handler);
    const unsubscribe = async (): Promise<void> => {
      this.unsubscribed.push(filter);
    };
    return Object.assign(Promise.resolve({ isActive: true }), { unsubscribe }) as never;
  }

  publish: RequesterClient['publish'] = async (topic, _payload, { properties = {} }) => {
    const { responseTopic = '', correlationData = new Uint8Array() } = properties;
    this.asked.push({ topic, responseTopic, correlationData });
    return { reasonCode: 0, properties: {} };
  };

  answer(index: number, text: string): void {
    const { responseTopic, correlationData } = this.asked[index];
    const head = { type: 'publish', qos: 0, dup: false, retain: false, packetId: 0, topic: responseTopic } as const;
    const packet = { ...head, properties: { correlationData }, payload: Buffer.from(text) };
    this.#handlers.get(responseTopic)?.(new ReceivedMessage(packet, responseTopic));
  }
}

/** What asks by a `Requester` of its own, within the bounds of the options. */
function requesterOf(client: LooseClient) {
  const requester = new Requester(client, client.environment);
  return (topic: string, options: RequestOptions = {}): Promise<ReceivedMessage> => {
    const { signal, timeoutMs = 30_000 } = options;
    return operation(client.environment, `Cannot request "${topic}"`, { signal, timeoutMs }, (settle) =>
      requester.request(topic, new Uint8Array(), { ...options, timeoutMs }, settle),
    );
  };
}

test('a subscription for answers is kept while it is used and for a while behind that', async () => {
  const client = new LooseClient();
  const request = requesterOf(client);
  for (const round of [0, 1]) {
    const answers = [request('t'), request('t')];
    await settled();
    client.answer(2 * round, 'x');
    await answers[0];
    assert.equal(client.timers.size, 1, 'the time-out of the request that is open');
    client.answer(2 * round + 1, 'x');
    await answers[1];
    assert.equal(client.timers.size, 1);
  }
  assert.deepEqual([client.subscribed, client.unsubscribed], [['dunlin/response/loose'], []]);
  for (const call of [...client.timers]) call();
  assert.deepEqual(client.unsubscribed, ['dunlin/response/loose']);
  assert.equal(client.timers.size, 0);
});

test('a request outlives a reconnect, and ends with a client that gives up', async () => {
  const client = new LooseClient();
  const request = requesterOf(client);
  const [first, second] = [request('t'), request('t')];
  await settled();
  const error = new MqttError('connection-lost', 'The connection was lost');
  client.tell('reconnecting', { by: 'network', error });
  client.answer(0, 'x');
  assert.equal((await first).text(), 'x');
  const ending = fails(second, 'connection-lost', /^Cannot request "t": The connection was lost$/);
  client.tell('disconnected', { by: 'network', error });
  await ending;
  assert.equal(client.timers.size, 0);
});

test('of many subscriptions for answers only a hundred wait idle', async () => {
  const client = new LooseClient();
  const request = requesterOf(client);
  const answers = Array.from({ length: 150 }, (_, at) => request('t', { responseTopic: `r/${at}` }));
  await settled();
  for (let at = 0; at < 150; at++) client.answer(at, 'x');
  await Promise.all(answers);
  assert.equal(client.unsubscribed.length, 50);
  assert.equal(client.timers.size, 100);
});

test('in every order of requests and answers each request gets its own answer, and no other is taken', async () => {
  const steps = fc.array(fc.nat(5), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(steps, async (order) => {
      const client = new LooseClient();
      const request = requesterOf(client);
      const over = new AbortController();
      const answers: Promise<ReceivedMessage>[] = [];
      const answered = new Set<number>();
      let repeats = 0;
      for (const step of order) {
        if (step < 3) {
          const options = { responseTopic: `r/${step}`, signal: over.signal };
          answers.push(request(`t/${answers.length}`, options));
          await settled();
          continue;
        }
        const index = (step * 7 + answered.size) % Math.max(answers.length, 1);
        if (answers.length === 0) continue;
        if (answered.has(index)) repeats += 1;
        answered.add(index);
        client.answer(index, String(index));
      }
      assert.equal(client.stats.responsesIgnored, repeats);
      over.abort();
      for (const [index, outcome] of (await Promise.allSettled(answers)).entries()) {
        const text = outcome.status === 'fulfilled' ? outcome.value.text() : undefined;
        assert.equal(text, answered.has(index) ? String(index) : undefined);
      }
    }),
    { numRuns: 30 },
  );
});
