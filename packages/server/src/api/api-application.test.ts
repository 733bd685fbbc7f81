import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { after, describe, test } from 'node:test';
import { Type } from 'typebox';
import { type ApiRoute, CLOSED, route } from './api-route.ts';
import { deviceProblem } from './device-problems.ts';
import { ApiProblem } from './problems.ts';
import { keyWith, MemoryTables, openTestApi, VISIT } from './testing/host.ts';

const json = { 'content-type': 'application/json' };

/** What they answer says what reached them. */
function echoRoutes(done: unknown[] = []): ApiRoute[] {
  return [
    route({
      method: 'POST',
      path: '/api/v1/echo/{id}',
      summary: 'Echo',
      tag: 'test',
      scope: 'devices:write',
      params: Type.Object({ id: Type.String({ maxLength: 128 }) }),
      query: Type.Object({ count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9 })) }, CLOSED),
      body: Type.Object({ value: Type.Optional(Type.Unknown()), fail: Type.Optional(Type.Boolean()) }, CLOSED),
      handle: ({ params, query, body, expected }) => {
        done.push(body);
        if (body.fail) throw new Error('it broke: secret');
        return { body: { ...params, ...query, ...body, expected }, revision: done.length };
      },
    }),
    route({
      method: 'GET',
      path: '/public/file',
      summary: 'For anybody',
      tag: 'test',
      scope: 'public',
      handle: () => ({ body: Buffer.from([1, 2, 3]), contentType: 'application/pkix-crl' }),
    }),
  ];
}

async function problemOf(response: Response): Promise<[status: number, code: string]> {
  assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
  const body = (await response.json()) as { status: number; code: string; detail: string; requestId: string };
  assert.equal(body.requestId, response.headers.get('x-request-id'));
  assert.equal(body.status, response.status);
  assert.match(body.detail, /^Cannot /);
  return [response.status, body.code];
}

describe('who may ask the API', () => {
  test('without a key there is nothing, at a path that is there and at one that is not', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    for (const path of ['/api/v1/keys', '/api/v1/nothing', '/'])
      assert.deepEqual(await problemOf(await api.send(path)), [401, 'key-missing'], path);
  });

  test('loopback by itself opens nothing', async () => {
    await using api = await openTestApi();
    api.visit = { ...VISIT, peer: { ...VISIT.peer, address: '127.0.0.1' } };
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys')), [401, 'key-missing']);
  });

  test('a key that is unknown, malformed, deleted or expired is refused alike', async () => {
    await using api = await openTestApi();
    const deleted = await keyWith(api, ['keys:write']);
    await api.local({ method: 'DELETE', path: `/api/v1/keys/${deleted.split('_')[1]}` });
    const expired = await keyWith(api, ['keys:write'], { expiresInS: 60 });
    api.clock.ms += 60_000;
    const other = await keyWith(api, ['keys:write']);
    const wrong = `${other.slice(0, -1)}${other.endsWith('A') ? 'B' : 'A'}`;
    for (const key of [deleted, expired, wrong, 'dk_x_y', `dk_${'0'.repeat(16)}_${'a'.repeat(43)}`, '__proto__'])
      assert.deepEqual(await problemOf(await api.send('/api/v1/keys', { key })), [401, 'key-refused']);
    assert.equal(api.refusals[0], ' 192.0.2.7 key-refused');
    assert.equal((await api.send('/api/v1/keys', { key: other })).status, 200);
  });

  test('a key does what its scopes allow, and no more', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const key = await keyWith(api, ['devices:read', 'keys:write']);
    const post = { key, method: 'POST', headers: json, body: '{}' };
    assert.deepEqual(await problemOf(await api.send('/api/v1/echo/a', post)), [403, 'scope-missing']);
    assert.deepEqual(api.refusals, [`key:${key.split('_')[1]} 192.0.2.7 scope-missing`]);
  });

  test('a key makes and deletes no key that may do more than itself', async () => {
    await using api = await openTestApi();
    const key = await keyWith(api, ['keys:write', 'devices:read']);
    const strong = await keyWith(api, ['audit:read']);
    const body = (scopes: string[]) => JSON.stringify({ name: 'child', scopes });
    const make = (scopes: string[]) =>
      api.send('/api/v1/keys', { key, method: 'POST', headers: json, body: body(scopes) });
    assert.deepEqual(await problemOf(await make(['devices:read', 'audit:read'])), [403, 'scope-missing']);
    assert.equal((await make(['devices:read'])).status, 201);
    const remove = await api.send(`/api/v1/keys/${strong.split('_')[1]}`, { key, method: 'DELETE' });
    assert.deepEqual(await problemOf(remove), [403, 'scope-missing']);
  });

  test('a page of another origin is refused with a good key as well', async () => {
    await using api = await openTestApi();
    const key = await keyWith(api, ['keys:write']);
    api.visit = { ...VISIT, isFromAllowedOrigin: false };
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys', { key })), [403, 'origin-refused']);
  });

  test('a host that is no name of this server is refused where no key is shown', async () => {
    await using api = await openTestApi();
    api.visit = { ...VISIT, isOwnHost: false };
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys')), [421, 'host-refused']);
  });

  test('the local administrator needs no key, and a header makes nobody one', async () => {
    await using api = await openTestApi();
    assert.equal((await api.local({ method: 'GET', path: '/api/v1/keys' })).status, 200);
    const headers = { 'x-dunlin-local': '1', islightmyrequest: 'true', 'user-agent': 'lightMyRequest' };
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys', { headers })), [401, 'key-missing']);
  });

  test('a public file needs no key, and a key that is refused opens nothing less', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const answer = await api.send('/public/file');
    assert.equal(answer.headers.get('content-type'), 'application/pkix-crl');
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), new Uint8Array([1, 2, 3]));
  });

  test('a key is shown once and is in no table', async () => {
    const tables = new MemoryTables();
    await using api = await openTestApi({ tables });
    const key = await keyWith(api, ['keys:write']);
    const listed = await api.local({ method: 'GET', path: '/api/v1/keys' });
    assert.equal(listed.body.items.length, 1);
    for (const name of ['api-keys', 'audit', 'api-answered']) {
      const { records } = await tables.table({ name, indexes: {} }).scan({ limit: 100 });
      assert.ok(!JSON.stringify(records).includes(key.split('_').slice(2).join('_')), name);
    }
  });

  test('when a key was shown last is written down, once a minute at the most', async () => {
    await using api = await openTestApi();
    const key = await keyWith(api, ['keys:write']);
    const used = async () => (await api.local({ method: 'GET', path: '/api/v1/keys' })).body.items[0].lastUsedAtMs;
    const first = api.clock.ms;
    await api.send('/api/v1/keys', { key });
    assert.equal(await used(), first);
    api.clock.ms += 59_999;
    await api.send('/api/v1/keys', { key });
    assert.equal(await used(), first);
    api.clock.ms += 1;
    await api.send('/api/v1/keys', { key });
    assert.equal(await used(), first + 60_000);
  });

  test('there are no more keys than the configuration allows', async () => {
    await using api = await openTestApi({ settings: { keysMax: 1 } });
    await keyWith(api, ['keys:write']);
    const { status, body } = await api.local({
      method: 'POST',
      path: '/api/v1/keys',
      body: { name: 'b', scopes: ['audit:read'] },
    });
    assert.deepEqual([status, body.code], [409, 'limit-reached']);
    assert.deepEqual(api.limits, ['keysMax local there are 1 API keys']);
  });

  test('there are no more keys than that where many are made at once', async () => {
    await using api = await openTestApi({ settings: { keysMax: 2 } });
    const made = await Promise.all(Array.from({ length: 5 }, () => keyWith(api, ['keys:write'])));
    assert.equal(made.filter((key) => key !== undefined).length, 2);
  });
});

describe('how often and how much', () => {
  test('a key has its rate, and gets it back with time', async () => {
    await using api = await openTestApi({ settings: { requestsPerSecondMax: 2 } });
    const key = await keyWith(api, ['keys:write']);
    const ask = async () => (await api.send('/api/v1/keys', { key })).status;
    assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 429]);
    const refused = await api.send('/api/v1/keys', { key });
    assert.equal(refused.headers.get('retry-after'), '1');
    api.clock.ms += 500;
    assert.deepEqual([await ask(), await ask()], [200, 429]);
  });

  test('an address without a good key has one of its own, which costs no key anything', async () => {
    await using api = await openTestApi({ settings: { strangerRequestsPerSecondMax: 2 } });
    const key = await keyWith(api, ['keys:write']);
    const ask = async (shown?: string) =>
      (await api.send('/api/v1/keys', shown === undefined ? {} : { key: shown })).status;
    assert.deepEqual([await ask(), await ask('dk_wrong'), await ask(), await ask('dk_wrong')], [401, 401, 429, 429]);
    assert.equal(await ask(key), 200);
  });

  test('more requests at once than allowed are refused', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let began = (): void => {};
    const isHeld = new Promise<void>((resolve) => {
      began = resolve;
    });
    const slow = route({
      method: 'GET',
      path: '/slow',
      summary: 'Slow',
      tag: 'test',
      scope: 'public',
      handle: async () => {
        began();
        await held;
        return {};
      },
    });
    await using api = await openTestApi({ routes: [slow], settings: { requestsMax: 1 } });
    const first = api.send('/slow');
    await isHeld;
    assert.deepEqual(await problemOf(await api.send('/slow')), [503, 'too-busy']);
    release();
    assert.equal((await first).status, 200);
    assert.equal((await api.send('/slow')).status, 200);
  });

  test('a request of the program itself is over with its answer', async () => {
    await using api = await openTestApi({ settings: { requestsMax: 1 } });
    for (let count = 0; count < 3; count++)
      assert.equal((await api.local({ method: 'GET', path: '/api/v1/keys' })).status, 200);
  });

  test('closing lets go of whoever waits, also in the program itself', async () => {
    let began = (): void => {};
    const isWaiting = new Promise<void>((resolve) => {
      began = resolve;
    });
    const waiting = route({
      method: 'GET',
      path: '/waiting',
      summary: 'Waits',
      tag: 'test',
      scope: 'public',
      async handle({ gone }) {
        began();
        await new Promise((resolve) => gone.addEventListener('abort', resolve));
        return {};
      },
    });
    const api = await openTestApi({ routes: [waiting] });
    const answer = api.local({ method: 'GET', path: '/waiting' });
    await isWaiting;
    await api[Symbol.asyncDispose]();
    assert.equal((await answer).status, 200);
  });

  test('closing waits for what has begun, also where its caller has gone', async () => {
    const order: string[] = [];
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let began: (gone: AbortSignal) => void = () => {};
    const signal = new Promise<AbortSignal>((resolve) => {
      began = resolve;
    });
    const slow = route({
      method: 'GET',
      path: '/slow',
      summary: 'Slow',
      tag: 'test',
      scope: 'public',
      handle: async ({ gone }) => {
        began(gone);
        await held;
        order.push('written');
        return {};
      },
    });
    const api = await openTestApi({ routes: [slow] });
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1', () =>
      socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'),
    );
    const gone = await signal;
    const isGone = new Promise((resolve) => gone.addEventListener('abort', resolve));
    socket.destroy();
    await isGone;
    const closed = api[Symbol.asyncDispose]().then(() => order.push('closed'));
    release();
    await closed;
    assert.deepEqual(order, ['written', 'closed']);
  });
});

describe('what is taken', () => {
  test('input is checked against the schema, and every fault names its place', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const { status, body } = await api.local({ method: 'POST', path: '/api/v1/echo/a', body: { fail: 1, more: 2 } });
    assert.deepEqual([status, body.code], [400, 'input-invalid']);
    assert.deepEqual(body.errors.map(({ at }: { at: string }) => at).sort(), ['/fail', '/more']);
  });

  test('a query has its numbers as texts; a body has what it says', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const post = (path: string, body: object) => api.local({ method: 'POST', path, body });
    assert.equal((await post('/api/v1/echo/a?count=3', {})).body.count, 3);
    assert.equal((await post('/api/v1/echo/a?count=12', {})).body.code, 'input-invalid');
    assert.equal((await post('/api/v1/echo/a?count=3&count=4', {})).body.code, 'input-invalid');
    assert.equal((await post('/api/v1/echo/a?other=3', {})).body.code, 'input-invalid');
    assert.equal((await post('/api/v1/echo/a', { fail: 'true' })).body.code, 'input-invalid');
  });

  for (const [what, body, code] of [
    ['no JSON', '{', 'json-invalid'],
    ['nothing', '', 'json-invalid'],
    ['the prototype of objects', '{"__proto__":{"fail":true}}', 'json-invalid'],
    ['the prototype by way of the constructor', '{"constructor":{"prototype":{"fail":true}}}', 'json-invalid'],
    ['lists in lists', `{"value":${'['.repeat(40)}${']'.repeat(40)}}`, 'body-too-deep'],
    ['more levels than a stack has', `{"value":${'['.repeat(1_900)}${']'.repeat(1_900)}}`, 'body-too-deep'],
  ] as const)
    test(`a body that is ${what} is refused`, async () => {
      const done: unknown[] = [];
      await using api = await openTestApi({ routes: echoRoutes(done) });
      const key = await keyWith(api, ['devices:write']);
      const answer = await api.send('/api/v1/echo/a', { key, method: 'POST', headers: json, body });
      assert.deepEqual(await problemOf(answer), [400, code]);
      assert.deepEqual([done, api.failures], [[], []]);
    });

  test('a body that is too large, or of another kind, is refused', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const key = await keyWith(api, ['devices:write']);
    const large = JSON.stringify({ value: 'x'.repeat(5_000) });
    assert.deepEqual(
      await problemOf(await api.send('/api/v1/echo/a', { key, method: 'POST', headers: json, body: large })),
      [413, 'body-too-large'],
    );
    const text = { key, method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' };
    assert.deepEqual(await problemOf(await api.send('/api/v1/echo/a', text)), [415, 'media-type-unknown']);
  });

  test('ids that look like paths, headers, queries or prototypes reach the route as they are, or not at all', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const post = (path: string) => api.local({ method: 'POST', path: `/api/v1/echo/${path}`, body: {} });
    for (const id of [
      '__proto__',
      'constructor',
      "'; DROP TABLE devices; --",
      'a/../b',
      '..%2f',
      'a\r\nSet-Cookie: b',
      '💡',
    ])
      assert.equal((await post(encodeURIComponent(id))).body.id, id);
    assert.equal((await post(encodeURIComponent('ü'.repeat(129)))).body.code, 'input-invalid');
    assert.equal((await post('x'.repeat(3_000))).body.code, 'request-invalid');
    assert.equal((await post('%zz')).status, 400);
    assert.equal((await post('%ff')).status, 400);
    assert.deepEqual(api.failures, []);
  });

  test('an If-Match is a revision, or refused', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const post = (match: string) =>
      api.local({ method: 'POST', path: '/api/v1/echo/a', headers: { 'if-match': match }, body: {} });
    assert.equal((await post('"7"')).body.expected, 7);
    for (const match of ['7', '"x"', '*', '"0"']) assert.equal((await post(match)).body.code, 'request-invalid');
  });
});

describe('what is answered', () => {
  test('a fault of the server tells the caller nothing of it, and the server everything', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const { status, body } = await api.local({ method: 'POST', path: '/api/v1/echo/a', body: { fail: true } });
    assert.deepEqual([status, body.code, JSON.stringify(body).includes('secret')], [500, 'internal', false]);
    assert.match(String(api.failures[0]), /it broke: secret/);
  });

  test('an error that a route is known for keeps its code', async () => {
    const problemOf = (error: unknown) =>
      (error as Error).message.startsWith('it broke') ? new ApiProblem('limit-reached', 'Cannot: full') : undefined;
    await using api = await openTestApi({ routes: echoRoutes(), problemOf });
    const { status, body } = await api.local({ method: 'POST', path: '/api/v1/echo/a', body: { fail: true } });
    assert.deepEqual([status, body.code, body.detail], [409, 'limit-reached', 'Cannot: full']);
  });

  test('nothing is cached, framed or guessed, whatever the answer is', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    for (const path of ['/public/file', '/api/v1/keys', '/nothing']) {
      const { headers } = await api.send(path);
      assert.equal(headers.get('cache-control'), 'no-store', path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(headers.get('access-control-allow-origin'), null);
    }
  });

  test('the OpenAPI document has every route, with the schema that its input is checked by', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const { body } = await api.local({ method: 'GET', path: '/api/v1/openapi.json' });
    assert.equal(body.openapi, '3.1.0');
    assert.deepEqual(Object.keys(body.paths), [
      '/api/v1/echo/{id}',
      '/public/file',
      '/api/v1/keys',
      '/api/v1/keys/{keyId}',
      '/api/v1/audit',
      '/api/v1/openapi.json',
    ]);
    const echo = body.paths['/api/v1/echo/{id}'].post;
    assert.equal(echo.requestBody.content['application/json'].schema.additionalProperties, false);
    assert.deepEqual(
      echo.parameters.map(({ name, in: place, required }: Record<string, unknown>) => [name, place, required]),
      [
        ['id', 'path', true],
        ['count', 'query', false],
      ],
    );
    assert.deepEqual(body.paths['/public/file'].get.security, []);
  });

  test('the OpenAPI document is read without a key, and says where its paths begin', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const answer = await api.send('/api/v1/openapi.json');
    assert.equal(answer.status, 200);
    assert.deepEqual(((await answer.json()) as { servers: unknown }).servers, [{ url: '/' }]);
  });

  test('a POST without a body is one with {} where no field has to be there', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const key = await keyWith(api, ['devices:write', 'keys:write']);
    const answer = await api.send('/api/v1/echo/a', { key, method: 'POST' });
    assert.deepEqual([answer.status, await answer.json()], [200, { id: 'a' }]);
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys', { key, method: 'POST' })), [
      415,
      'media-type-unknown',
    ]);
    const { body } = await api.local({ method: 'GET', path: '/api/v1/openapi.json' });
    assert.equal(body.paths['/api/v1/echo/{id}'].post.requestBody.required, false);
    assert.equal(body.paths['/api/v1/keys'].post.requestBody.required, true);
  });

  test('a method that a path does not have is refused with those that it has', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const key = await keyWith(api, ['devices:write']);
    for (const [path, allow, shown] of [
      ['/api/v1/keys', 'GET, POST', key],
      ['/api/v1/echo/a?count=2', 'POST', key],
      ['/public/file', 'GET', undefined],
    ] as const) {
      const answer = await api.send(path, { method: 'PUT', ...(shown && { key: shown }) });
      assert.equal(answer.headers.get('allow'), allow);
      assert.deepEqual(await problemOf(answer), [405, 'method-unknown'], path);
    }
    assert.deepEqual(await problemOf(await api.send('/api/v1/keys', { method: 'PUT' })), [401, 'key-missing']);
    assert.deepEqual(await problemOf(await api.send('/api/v1/nothing', { key })), [404, 'route-unknown']);
  });
});

describe('what is written down', () => {
  test('is found by who did it, what it was, to what and when', async () => {
    await using api = await openTestApi({ problemOf: deviceProblem });
    const [one, other] = [await keyWith(api, ['audit:read']), await keyWith(api, ['audit:read'])];
    const found = async (query: string) => {
      const { status, body } = await api.local({ method: 'GET', path: `/api/v1/audit?${query}` });
      return status === 200 ? body.items.map(({ target }: { target: string }) => target) : body.code;
    };
    const [first, second] = [one, other].map((key) => key.split('_')[1]);
    assert.deepEqual(await found('by=local'), [second, first]);
    assert.deepEqual(await found(`target=${first}&action=key.add&sinceMs=${api.clock.ms}`), [first]);
    assert.deepEqual(await found('by=nobody'), []);
    assert.deepEqual(await found(`beforeMs=${api.clock.ms}`), []);
    assert.equal(await found('cursor=x'), 'cursor-invalid');
    assert.equal(await found('taget=x'), 'input-invalid');
  });

  test('each change says who made it and from where; what failed and what was read is not there', async () => {
    await using api = await openTestApi();
    const key = await keyWith(api, ['devices:write', 'keys:write', 'audit:read']);
    const post = (scopes: readonly string[]) =>
      api.send('/api/v1/keys', { key, method: 'POST', headers: json, body: JSON.stringify({ name: 'n', scopes }) });
    const { id } = (await (await post(['devices:write'])).json()) as { id: string };
    assert.equal((await post(['commands:write'])).status, 403);
    const { items } = (await (await api.send('/api/v1/audit', { key })).json()) as { items: Record<string, unknown>[] };
    const by = `key:${key.split('_')[1]}`;
    assert.deepEqual(
      items.map(({ number, by, address, action, target }) => [number, by, address, action, target]),
      [
        [2, by, '192.0.2.7', 'key.add', id],
        [1, 'local', '', 'key.add', key.split('_')[1]],
      ],
    );
    assert.deepEqual(items[0].after, { name: 'n', scopes: ['devices:write'] });
  });

  test('a request that is repeated with its Idempotency-Key gets the first answer, and does nothing', async () => {
    const done: unknown[] = [];
    await using api = await openTestApi({ routes: echoRoutes(done) });
    const post = (key: string, body: object) =>
      api.local({ method: 'POST', path: '/api/v1/echo/a', headers: { 'idempotency-key': key }, body });
    const first = await post('k1', { value: 1 });
    const second = await post('k1', { value: 1 });
    assert.deepEqual([second.status, second.body], [first.status, first.body]);
    assert.equal(second.headers['idempotency-replayed'], 'true');
    assert.deepEqual([first.headers.etag, second.headers.etag], ['"1"', '"1"']);
    assert.equal((await post('k1', { value: 2 })).body.code, 'idempotency-mismatch');
    assert.equal((await post('k2', { value: 2 })).status, 200);
    assert.equal((await post('', { value: 2 })).body.code, 'idempotency-key-invalid');
    assert.equal(done.length, 2);
    api.clock.ms += 86_400_000;
    await post('k1', { value: 3 });
    assert.equal(done.length, 3);
  });

  test('a request that failed may be made again with the same key', async () => {
    await using api = await openTestApi({ routes: echoRoutes() });
    const post = (body: object) =>
      api.local({ method: 'POST', path: '/api/v1/echo/a', headers: { 'idempotency-key': 'k' }, body });
    assert.equal((await post({ fail: true })).status, 500);
    assert.equal((await post({ fail: false })).status, 200);
  });

  test('a secret is not shown again: who repeats the request learns where what it made is', async () => {
    await using api = await openTestApi();
    const post = () =>
      api.local({
        method: 'POST',
        path: '/api/v1/keys',
        headers: { 'idempotency-key': 'k' },
        body: { name: 'a', scopes: ['audit:read'] },
      });
    const first = await post();
    const second = await post();
    assert.deepEqual([second.status, second.body.code], [409, 'idempotency-secret']);
    assert.match(second.body.detail, new RegExp(first.body.id));
  });
});

test('a request that came by no listener is nobody', async () => {
  await using api = await openTestApi();
  // As if another server handed it on.
  const server = createServer((request, response) => api.host.take(request, response, undefined as never));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  after(() => server.close());
  const { port } = server.address() as { port: number };
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/keys`, { headers: { connection: 'close' } });
  assert.deepEqual(await problemOf(answer), [401, 'key-missing']);
});
