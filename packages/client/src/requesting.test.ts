import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { connected, createClient, PLAIN, Servers, settled } from './contract/scripted-server.ts';
import { MqttError } from './errors.ts';
import { uncheckedFilter } from './requesting.ts';
import { TopicTemplate } from './topic-template.ts';

test('a responder is subscribed before what is published next, also while its part is on its way', async () => {
  const { server, client } = await connected();
  const pending = client.respond('player/{key}/request', () => 'x', { params: { key: '42' } });
  client.publish('player/42/hello', '');
  const { packetId, subscriptions } = await server.next('subscribe');
  assert.equal(subscriptions[0].filter, 'player/42/request');
  assert.equal((await server.next('publish')).topic, 'player/42/hello');
  // This request may be there before the part is.
  server.publish({ topic: 'player/42/request', properties: { responseTopic: 'r' } });
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [1] });
  assert.equal((await pending).isActive, true);
  assert.equal((await server.next('publish')).topic, 'r');
});

test('a responder whose template cannot be rejects, and nothing of it stays subscribed', async () => {
  const { server, client } = await connected();
  const pending = client.respond('a{id}', () => 'x');
  await assert.rejects(pending, (error) => error instanceof MqttError && error.code === 'invalid');
  assert.equal((await server.next('subscribe')).subscriptions[0].filter, 'a{id}');
  assert.deepEqual((await server.next('unsubscribe')).filters, ['a{id}']);
  const wider = client.respond('a/{id}', () => 'x', { params: { id: '#' } });
  await assert.rejects(wider, { code: 'invalid' });
  assert.equal((await server.next('subscribe')).subscriptions[0].filter, 'a/{id}');
});

test('requests of one turn go out in their order, with the payload as it was when they were made', async () => {
  const { server, client } = await connected();
  const payload = { count: 1 };
  const answers = ['a', 'b'].map((topic) => client.request(topic, payload, { qos: 0 }));
  payload.count = 2;
  const { packetId } = await server.next('subscribe');
  server.send({ type: 'suback', packetId, properties: {}, reasonCodes: [2] });
  const asked = [await server.next('publish'), await server.next('publish')];
  assert.deepEqual(
    asked.map(({ topic, payload: bytes }) => `${topic} ${Buffer.from(bytes)}`),
    ['a {"count":1}', 'b {"count":1}'],
  );
  const ended = Promise.all(answers.map((answer) => assert.rejects(answer, { code: 'closed' })));
  await client.disconnect();
  await ended;
});

test('disconnect rejects at once what waits for the part, and it stays unsent when the client is opened again', async () => {
  const servers = new Servers(5, {});
  const client = createClient('mqtt://one', { ...PLAIN, dial: servers.dial });
  const connecting = client.connect();
  await servers.accept();
  await connecting;
  const request = client.request('t', '');
  const responder = client.respond('q', () => 'x');
  const ended = Promise.all([request, responder].map((open) => assert.rejects(open, { code: 'closed' })));
  const over = client.disconnect();
  await ended;
  await over;
  const again = client.connect();
  const server = await servers.accept();
  await again;
  await settled();
  await server.expectNothing();
  await client.disconnect();
});

test('a request that waits for the part is aborted and timed out like any other', async () => {
  const { client } = await connected();
  const over = new AbortController();
  const request = client.request('t', '', { signal: over.signal });
  over.abort();
  await assert.rejects(request, { code: 'aborted' });
  await assert.rejects(client.request('t', '', { timeoutMs: 0 }), { code: 'timed-out' });
});

test('requestsMax counts requests that wait for the part', async () => {
  const { client } = await connected({ requestsMax: 1 });
  const first = client.request('t', '');
  await assert.rejects(client.request('t', ''), { code: 'queue-full' });
  const ended = assert.rejects(first, { code: 'closed' });
  await client.disconnect();
  await ended;
});

test('the filter before the check is that of the template; where that cannot be, nothing wider', () => {
  const level = fc.constantFrom('a', '{key}', '{id}', '+', '#', '{', '{a}{b}', '$share', '');
  const value = fc.constantFrom(undefined, 'x', 'x y', '', '+', '#', 'a/b', '$x', '\0');
  fc.assert(
    fc.property(fc.array(level, { minLength: 1, maxLength: 5 }), value, (levels, key) => {
      const text = levels.join('/');
      const params = key === undefined ? {} : { key };
      const unchecked = uncheckedFilter(text, params);
      let checked: string | undefined;
      try {
        checked = new TopicTemplate<string>(text).filter(params);
      } catch {
        const written = levels.map((each) => (each === '{id}' || (each === '{key}' && key === undefined) ? '+' : each));
        const filled = written.map((each) => (each === '{key}' ? key : each));
        assert.ok([written.join('/'), filled.join('/')].includes(unchecked), unchecked);
        assert.equal(unchecked.split('/').length, levels.length);
      }
      if (checked !== undefined) assert.equal(unchecked, checked);
    }),
  );
});
