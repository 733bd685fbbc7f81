import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { route } from './api-route.ts';
import { keyWith, openTestApi, VISIT } from './testing/host.ts';

const ORIGIN = 'https://app.example';
const cors = { settings: { cors: { origins: [ORIGIN] } } };
/** As the listener has it, whose own `origins` do not name it. */
const ELSEWHERE = { ...VISIT, isFromAllowedOrigin: false };
const ask = { origin: ORIGIN, 'access-control-request-method': 'PATCH' };

test('without origins in the configuration no page elsewhere is answered, nor its preflight', async () => {
  await using api = await openTestApi();
  const key = await keyWith(api, ['keys:write']);
  api.visit = ELSEWHERE;
  for (const answer of [
    await api.send('/api/v1/keys', { key, headers: { origin: ORIGIN } }),
    await api.send('/api/v1/keys', { method: 'OPTIONS', headers: ask }),
  ]) {
    assert.equal(answer.status, 403);
    for (const name of answer.headers.keys()) assert.doesNotMatch(name, /^access-control-/);
    assert.equal(answer.headers.get('vary'), null);
  }
});

test('a page of a listed origin reads answers and problems, with a key and never with cookies', async () => {
  await using api = await openTestApi(cors);
  const key = await keyWith(api, ['keys:write']);
  api.visit = ELSEWHERE;
  const good = await api.send('/api/v1/keys', { key, headers: { origin: ORIGIN } });
  const problem = await api.send('/api/v1/keys', { headers: { origin: ORIGIN } });
  assert.deepEqual([good.status, problem.status], [200, 401]);
  for (const { headers } of [good, problem]) {
    assert.equal(headers.get('access-control-allow-origin'), ORIGIN);
    assert.equal(headers.get('access-control-allow-credentials'), null);
    assert.equal(headers.get('vary'), 'origin');
    assert.match(headers.get('access-control-expose-headers') ?? '', /x-request-id/);
  }
});

test('its preflight is answered without a key and says what may be sent', async () => {
  await using api = await openTestApi(cors);
  api.visit = ELSEWHERE;
  for (const path of ['/api/v1/keys', '/api/v1/nothing']) {
    const answer = await api.send(path, { method: 'OPTIONS', headers: ask });
    assert.deepEqual([answer.status, await answer.text()], [204, '']);
    assert.equal(answer.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(answer.headers.get('access-control-allow-methods') ?? '', /\bPATCH\b/);
    assert.match(answer.headers.get('access-control-allow-headers') ?? '', /^authorization, content-type/);
    assert.equal(answer.headers.get('access-control-max-age'), '600');
  }
});

test('an origin counts only letter by letter', async () => {
  await using api = await openTestApi(cors);
  const key = await keyWith(api, ['keys:write']);
  api.visit = ELSEWHERE;
  for (const origin of [
    'null',
    '*',
    'http://app.example',
    `${ORIGIN}:8443`,
    `${ORIGIN}.evil.example`,
    'HTTPS://APP.EXAMPLE',
  ]) {
    const headers = { ...ask, origin };
    for (const answer of [
      await api.send('/api/v1/keys', { key, headers }),
      await api.send('/api/v1/keys', { method: 'OPTIONS', headers }),
    ]) {
      assert.equal(answer.status, 403, origin);
      assert.equal(answer.headers.get('access-control-allow-origin'), null);
      // Who caches it must not give it to the page that may read it.
      assert.equal(answer.headers.get('vary'), 'origin');
    }
  }
});

test('preflights are strangers: they are banned, and count by address', async () => {
  const rate = { ...cors.settings, strangerRequestsPerSecondMax: 2 };
  await using api = await openTestApi({ settings: rate });
  api.visit = ELSEWHERE;
  const send = async () => (await api.send('/api/v1/keys', { method: 'OPTIONS', headers: ask })).status;
  assert.deepEqual([await send(), await send(), await send()], [204, 204, 429]);
  const guard = { isBanned: () => true, failedElsewhere: () => 0 };
  await using banned = await openTestApi({ ...cors, guard });
  banned.visit = ELSEWHERE;
  assert.equal((await banned.send('/api/v1/keys', { method: 'OPTIONS', headers: ask })).status, 403);
});

test('users that are signed in are nobody to a page elsewhere, and pages for people are not read by it', async () => {
  const answer = Type.Object({ by: Type.String() });
  const own = { method: 'GET', path: '/api/v1/own', summary: 'Own', tag: 'test', answer } as const;
  const routes = [
    route({ ...own, scope: 'owner', handle: ({ caller }) => ({ body: { by: caller.by } }) }),
    route({ ...own, path: '/claim', scope: 'public', isPage: true, handle: () => ({ body: { by: 'page' } }) }),
  ];
  await using api = await openTestApi({ ...cors, routes });
  api.visit = { ...VISIT, isFromAllowedOrigin: false };
  const page = await api.send('/claim', { headers: { origin: ORIGIN } });
  assert.deepEqual([page.status, page.headers.get('access-control-allow-origin')], [403, null]);
  const nobody = await api.send('/api/v1/own', { headers: { origin: ORIGIN, cookie: 'dunlin-owner=x' } });
  assert.equal(nobody.status, 401);
});
