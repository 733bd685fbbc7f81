import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type JsonServiceOptions, jsonService, parseJson } from './json-service.ts';
import { TestClock } from './testing/clock.ts';
import { LOCALHOST_CERTIFICATE } from './testing/localhost.ts';
import { sendJson, testWeb, until } from './testing/web.ts';

const service = (context: TestContext, url: string, more: Partial<JsonServiceOptions> = {}) => {
  const made = jsonService({
    clock: new TestClock(),
    url,
    timeoutMs: 5000,
    answerBytesMax: 1000,
    connectionsMax: 2,
    ...more,
  });
  context.after(() => made.close());
  return made;
};

test('a body is posted with the headers, and the answer comes back whatever its status', async (context) => {
  const web = await testWeb(context, (request, response, body) =>
    sendJson(response, 418, {
      method: request.method,
      key: request.headers['x-key'],
      body: JSON.parse(body || 'null'),
    }),
  );
  const asked = service(context, web.url, { headers: () => ({ 'X-Key': 'k' }) });
  const { status, body } = await asked.ask('{"a":1}');
  assert.equal(status, 418);
  assert.deepEqual(parseJson(body), { method: 'POST', key: 'k', body: { a: 1 } });
  assert.deepEqual(parseJson((await asked.ask()).body), { method: 'GET', key: 'k', body: null });
});

test('no redirect is followed', async (context) => {
  const web = await testWeb(context, (_, response) => response.writeHead(302, { Location: web.url }).end());
  assert.equal((await service(context, web.url).ask('{}')).status, 302);
  assert.equal(web.requests, 1);
});

test('an answer that is larger than its limit is given up', async (context) => {
  const web = await testWeb(context, (_, response) => response.end('x'.repeat(100_000)));
  await assert.rejects(service(context, web.url).ask('{}'), /up to 1000 bytes is expected/);
});

test('an answer that takes too long is given up, headers sent or not', async (context) => {
  for (const begins of [false, true]) {
    const web = await testWeb(context, (_, response) => {
      if (begins) response.write('{');
    });
    const clock = new TestClock();
    const answer = service(context, web.url, { clock }).ask('{}');
    await until(() => web.requests === 1);
    clock.pass(5000);
    await assert.rejects(answer, /Cannot ask http:.*: (an answer within 5000 ms is expected|aborted)/);
    assert.equal(clock.timers, 0);
  }
});

test('an error names the service without its query, and quotes neither request nor answer', async (context) => {
  const web = await testWeb(context, (request) => request.socket.destroy());
  const asked = service(context, `${web.url}?key=hidden`, { headers: () => ({ 'X-Key': 'hidden' }) });
  const error = await asked.ask('{"password":"hidden"}').catch((caught: Error) => caught);
  assert(error instanceof Error);
  assert.match(error.message, /^Cannot ask http:\/\/127\.0\.0\.1:\d+\/ask: /);
  assert.doesNotMatch(error.message, /hidden/);
  assert.throws(
    () => parseJson(Buffer.from('{"password": hidden}')),
    (thrown: Error) => !thrown.message.includes('hidden'),
  );
});

test('a kept connection that the service has closed does not fail the next request', async (context) => {
  const known = new WeakSet();
  const web = await testWeb(context, (request, response) => {
    if (known.has(request.socket)) request.socket.destroy();
    else response.end('{}');
    known.add(request.socket);
  });
  const asked = service(context, web.url);
  await asked.ask('{}');
  assert.equal((await asked.ask('{}')).status, 200);
  assert.equal(web.requests, 3);
});

test('a service that is closed answers what is under way, and then has no connection', async (context) => {
  let answer = (): void => {};
  let closed = 0;
  const web = await testWeb(context, (request, response) => {
    request.socket.on('close', () => {
      closed += 1;
    });
    answer = () => response.end('{}');
  });
  const asked = service(context, web.url);
  const underWay = asked.ask('{}');
  await until(() => web.requests === 1);
  asked.close();
  answer();
  assert.equal((await underWay).status, 200);
  await until(() => closed === 1);
});

test('over HTTPS the service must be vouched for by an authority that is named', async (context) => {
  const web = await testWeb(context, (_, response) => sendJson(response, 200, {}), true);
  await assert.rejects(service(context, web.url).ask('{}'), /Cannot ask https:.* self-signed certificate/);
  assert.equal(web.requests, 0);
  assert.equal((await service(context, web.url, { authorities: LOCALHOST_CERTIFICATE }).ask('{}')).status, 200);
  assert.equal(web.requests, 1);
});

test('plain HTTP is for loopback addresses, or said to be allowed', (context) => {
  for (const url of ['http://127.0.0.1:1/', 'http://localhost/', 'http://[::1]/', 'https://example.org/'])
    service(context, url);
  service(context, 'http://example.org/', { allowsPlainHttp: true });
  for (const url of ['http://example.org/', 'http://127.0.0.1.example.org/', 'ftp://127.0.0.1/', 'nonsense'])
    assert.throws(() => service(context, url), /Cannot use the URL .* is expected/);
});

test('a secret in the URL is refused and not repeated', (context) => {
  assert.throws(
    () => service(context, 'https://ada:hidden@example.org/?k=hidden'),
    (error: Error) => /none in the URL/.test(error.message) && !/hidden/.test(error.message),
  );
});
