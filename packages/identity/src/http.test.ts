import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type HttpMethod, type HttpOptions, httpMethod } from './http.ts';
import type { MethodEvent } from './method-events.ts';
import { TestClock } from './testing/clock.ts';
import { brief, type TestCredentials, testRequest } from './testing/request.ts';
import { testFile } from './testing/tokens.ts';
import { sendJson, type TestWeb, testWeb, until } from './testing/web.ts';

const accept: TestWeb['answer'] = (_, response) => sendJson(response, 200, { result: 'accept' });
const refuse: TestWeb['answer'] = (_, response) => sendJson(response, 200, { result: 'refuse' });
const down: TestWeb['answer'] = (_, response) => sendJson(response, 503, {});
const ada = { username: 'ada', password: 'hidden' };

async function world(context: TestContext, more: Partial<HttpOptions> = {}, answer = accept) {
  const web = await testWeb(context, answer);
  const clock = new TestClock();
  const told: MethodEvent[] = [];
  const options = { name: 'service', clock, url: web.url, tell: (event: MethodEvent) => told.push(event), ...more };
  const method = httpMethod(options);
  context.after(() => method.close());
  return { web, clock, told, options, method, names: () => told.map(({ name }) => name) };
}
const ask = async (method: HttpMethod, credentials: TestCredentials = ada) =>
  brief(await method.authenticate(testRequest(credentials)));

test('the service is asked what the client shows, and its answer becomes the principal', async (context) => {
  const bodies: unknown[] = [];
  const { method } = await world(context, { body: { u: '{username}', p: '{password}' } }, (request, response, body) => {
    bodies.push([request.method, request.headers['content-type'], JSON.parse(body)]);
    const rules = [{ action: 'allow', to: ['publish'], topics: ['a'] }];
    sendJson(response, 200, {
      result: 'accept',
      username: 'Ada',
      groups: ['g'],
      attributes: { t: '1' },
      expiresAtMs: 1e15,
      rules,
    });
  });
  const answer = await method.authenticate(testRequest(ada));
  assert(answer?.kind === 'accept');
  assert.deepEqual(answer.principal, {
    username: 'Ada',
    identity: 'service:Ada',
    groups: ['g'],
    attributes: { t: '1' },
    expiresAtMs: 1e15,
    certificate: undefined,
    claims: { rules: [{ action: 'allow', to: ['publish'], topics: ['a'] }] },
  });
  assert.deepEqual(bodies, [['POST', 'application/json', { u: 'ada', p: 'hidden' }]]);
});

test('each kind of answer is an outcome of its own', async (context) => {
  const { web, method } = await world(context, { acceptsKeptMs: 0 });
  const outcomes: [number, unknown, string][] = [
    [204, {}, 'accept ada'],
    [200, { result: 'accept' }, 'accept ada'],
    [200, { result: 'unknown' }, 'nothing'],
    [404, {}, 'nothing'],
    [401, {}, 'refuse 0x86 service-refused'],
    [403, {}, 'refuse 0x87 service-refused'],
    [200, { result: 'refuse', reasonCode: 0x8a }, 'refuse 0x8a service-refused'],
    [200, { hello: 'hidden' }, 'refuse 0x88 service-answer'],
    [302, {}, 'refuse 0x88 service-answer'],
    [500, {}, 'refuse 0x88 service-unavailable'],
  ];
  for (const [status, value, expected] of outcomes) {
    web.answer = (_, response) => sendJson(response, status, value);
    assert.equal(await ask(method), expected);
  }
});

test('who shows no password is not asked about, unless the options say so', async (context) => {
  const { web, method } = await world(context);
  for (const shown of [{}, { username: 'ada' }, { username: 'ada', password: '' }])
    assert.equal(await ask(method, shown), 'nothing');
  assert.equal(web.requests, 0);
  const open = await world(context, { asksWithoutPassword: true });
  assert.equal(await ask(open.method, { username: 'ada' }), 'accept ada');
});

test('a client without a user name is let in only where the service names it', async (context) => {
  const { web, method } = await world(context);
  assert.equal(await ask(method, { password: 'x' }), 'refuse 0x88 service-answer');
  assert.equal(await ask(method, { username: '', password: 'x' }), 'refuse 0x88 service-answer');
  web.answer = (_, response) => sendJson(response, 200, { result: 'accept', username: 'token-owner' });
  assert.equal(await ask(method, { password: 'y' }), 'accept token-owner');
});

test('a password that is not UTF-8 is refused without asking', async (context) => {
  const { web, method } = await world(context);
  assert.equal(await ask(method, { username: 'ada', password: Buffer.from([0xff]) }), 'refuse 0x86 password-text');
  assert.equal(web.requests, 0);
});

test('an accept is remembered for these credentials and for its time', async (context) => {
  const { web, clock, method } = await world(context, { acceptsKeptMs: 1000 });
  await ask(method);
  web.answer = refuse;
  assert.equal(await ask(method), 'accept ada');
  assert.equal(await ask(method, { ...ada, password: 'hidden2' }), 'refuse 0x86 service-refused');
  assert.equal(await ask(method, { ...ada, username: 'bob' }), 'refuse 0x86 service-refused');
  assert.equal(await ask(method, { ...ada, clientId: 'other' }), 'refuse 0x86 service-refused');
  clock.pass(1000);
  assert.equal(await ask(method), 'refuse 0x86 service-refused');
});

test('each who is let in from memory gets a principal of its own', async (context) => {
  const { method } = await world(context);
  const [one, other] = [await method.authenticate(testRequest(ada)), await method.authenticate(testRequest(ada))];
  assert(one?.kind === 'accept' && other?.kind === 'accept');
  assert.notEqual(one.principal, other.principal);
  assert.deepEqual(one.principal, other.principal);
});

test('what is remembered does not outlive the credential', async (context) => {
  const { web, clock, method } = await world(context, {}, (_, response) =>
    sendJson(response, 200, { result: 'accept', expiresAtMs: clock.nowMs() + 500 }),
  );
  assert.equal(await ask(method), 'accept ada');
  web.answer = refuse;
  clock.pass(499);
  assert.equal(await ask(method), 'accept ada');
  clock.pass(1);
  assert.equal(await ask(method), 'refuse 0x86 service-refused');
});

test('a refusal is not remembered, and ends what was', async (context) => {
  const more = { whenDown: 'accept-cached', acceptsKeptMs: 1000 } as const;
  const { web, clock, method } = await world(context, more);
  assert.equal(await ask(method), 'accept ada');
  clock.pass(1000);
  web.answer = refuse;
  for (let time = 0; time < 2; time++) assert.equal(await ask(method), 'refuse 0x86 service-refused');
  assert.equal(web.requests, 3);
  web.answer = down;
  assert.equal(await ask(method), 'refuse 0x88 service-unavailable');
});

test('a reload in an outage keeps what is remembered, for the time that it says, and that the outage was told', async (context) => {
  const { web, clock, options, method, names } = await world(context, { acceptsKeptMs: 1000, staleMaxMs: 5000 });
  assert.equal(await ask(method), 'accept ada');
  web.answer = down;
  clock.pass(5000);
  assert.equal(await ask(method), 'refuse 0x88 service-unavailable');
  method.prepareReload({ ...options, timeoutMs: 9000, whenDown: 'accept-cached', staleMaxMs: 10_000 })();
  assert.equal(await ask(method), 'accept ada');
  clock.pass(5000);
  assert.equal(await ask(method), 'refuse 0x88 service-unavailable');
  web.answer = accept;
  await ask(method);
  assert.deepEqual(names(), ['serviceUnavailable', 'serviceAvailable']);
});

test('a question that is under way at a reload, or when the method closes, is asked once and answered', async (context) => {
  for (const more of [{ timeoutMs: 9000 }, undefined]) {
    const held: (() => void)[] = [];
    const { web, options, method, told } = await world(context, { whenDown: 'next', acceptsKeptMs: 0 });
    // The connection that it comes by is one that was kept.
    await ask(method);
    web.answer = (_, response) => held.push(() => response.writeHead(401).end());
    const answer = ask(method);
    await until(() => held.length === 1);
    if (more === undefined) method.close();
    else method.prepareReload({ ...options, ...more })();
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    for (const send of held) send();
    assert.equal(await answer, 'refuse 0x86 service-refused');
    assert.deepEqual([web.requests, told], [2, []]);
  }
});

test('while the service is down, what holds is what the options say', async (context) => {
  const outcomes = [
    ['refuse', 'refuse 0x88 service-unavailable', 'refuse 0x88 service-unavailable'],
    ['next', 'nothing', 'nothing'],
    ['accept-cached', 'accept ada', 'refuse 0x88 service-unavailable'],
  ] as const;
  for (const [whenDown, known, unknown] of outcomes) {
    const { web, clock, method } = await world(context, { whenDown, acceptsKeptMs: 1000, staleMaxMs: 5000 });
    assert.equal(await ask(method), 'accept ada');
    web.answer = down;
    clock.pass(1000);
    assert.equal(await ask(method), known, whenDown);
    assert.equal(await ask(method, { ...ada, password: 'other' }), unknown, whenDown);
    await web.close();
    assert.equal(await ask(method), known, whenDown);
    clock.pass(4000);
    assert.equal(await ask(method), unknown, whenDown);
  }
});

test('an answer that is none never passes to the next method', async (context) => {
  const { web, method } = await world(context, { whenDown: 'next' });
  web.answer = (_, response) => response.end('<html>');
  assert.equal(await ask(method), 'refuse 0x88 service-answer');
});

test('an answer that is late is a service that is down', async (context) => {
  const { web, clock, method } = await world(context, { timeoutMs: 300 }, () => {});
  const answer = ask(method);
  await until(() => web.requests === 1);
  clock.pass(300);
  assert.equal(await answer, 'refuse 0x88 service-unavailable');
});

test('requests at once are bounded, and so is the line before them', async (context) => {
  const held: (() => void)[] = [];
  const { web, method } = await world(context, { requestsMax: 2, waitingMax: 1 }, (_, response) =>
    held.push(() => response.writeHead(204).end()),
  );
  const asked = ['a', 'b', 'c', 'd'].map((username) => ask(method, { ...ada, username }));
  assert.equal(await asked[3], 'refuse 0x89 service-busy');
  await until(() => held.length === 2);
  assert.equal(web.requests, 2);
  held[0]();
  await until(() => held.length === 3);
  held[1]();
  held[2]();
  assert.deepEqual(await Promise.all(asked.slice(0, 3)), ['accept a', 'accept b', 'accept c']);
});

test('that the service is down is told once, and that it is back too', async (context) => {
  const { web, told, method, names } = await world(context, {}, down);
  await ask(method);
  await ask(method);
  assert.deepEqual(told, [
    { name: 'serviceUnavailable', method: 'service', service: web.url, error: 'status 503 was answered' },
  ]);
  web.answer = accept;
  await ask(method);
  await ask(method);
  assert.deepEqual(names(), ['serviceUnavailable', 'serviceAvailable']);
});

test('no password, header or answer is in a refusal or event', async (context) => {
  const web = await testWeb(context, down);
  const told: MethodEvent[] = [];
  const method = httpMethod({
    name: 'service',
    clock: new TestClock(),
    url: `${web.url}?key=hidden`,
    headers: { 'X-Key': 'hidden' },
    tell: (event) => told.push(event),
  });
  context.after(() => method.close());
  const answers: TestWeb['answer'][] = [
    down,
    refuse,
    (_, response) => response.end('{"hidden": 1}'),
    (_, response) => response.end('hidden'),
    (request) => request.socket.destroy(),
  ];
  for (const answer of answers) {
    web.answer = answer;
    const result = await method.authenticate(testRequest(ada));
    assert.equal(result?.kind, 'refuse');
    assert.doesNotMatch(JSON.stringify([result, told]), /hidden/);
  }
  assert(told.length > 0);
});

test('headers come from files too, which are read again on demand', async (context) => {
  const seen: unknown[] = [];
  const path = testFile(context, 'key', 'Bearer one\n');
  const { method, options } = await world(
    context,
    { headers: { 'X-Broker': 'dunlin' }, headerFiles: { Authorization: path }, acceptsKeptMs: 0 },
    ({ headers }, response) => {
      seen.push([headers['x-broker'], headers.authorization]);
      response.writeHead(204).end();
    },
  );
  await ask(method);
  writeFileSync(path, 'hidden\nsecond line\n');
  assert.throws(
    () => method.prepareReload(options),
    (error: Error) =>
      /Cannot send the header "Authorization": .* expected/.test(error.message) && !/hidden/.test(error.message),
  );
  await ask(method);
  writeFileSync(path, 'Bearer two');
  method.prepareReload(options)();
  await ask(method);
  assert.deepEqual(seen, [
    ['dunlin', 'Bearer one'],
    ['dunlin', 'Bearer one'],
    ['dunlin', 'Bearer two'],
  ]);
});

test('options that would let anybody in, or cannot work, are refused', () => {
  const make = (more: Partial<HttpOptions>) => () =>
    httpMethod({ name: 'service', clock: new TestClock(), url: 'http://127.0.0.1/', ...more });
  assert.throws(make({ body: { p: '{password}' } }), /\{username\} is expected/);
  assert.throws(make({ body: { u: '{username}' } }), /\{password\} is expected/);
  assert.throws(make({ url: 'http://service.example/' }), /https: .* is expected/);
  assert.throws(make({ headers: { 'a b': 'x' } }), /Cannot send the header "a b"/);
  assert.throws(make({ headerFiles: { Authorization: 'no-such-file' } }), /ENOENT/);
});
