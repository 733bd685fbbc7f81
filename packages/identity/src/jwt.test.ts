import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Principal } from '@dunlin/broker';
import fc from 'fast-check';
import type { JWTPayload } from 'jose';
import { authenticatorChain } from './chain.ts';
import { type JwtOptions, jwtMethod } from './jwt.ts';
import type { Method } from './method.ts';
import type { MethodEvent } from './method-events.ts';
import { TestClock } from './testing/clock.ts';
import { brief, testRequest } from './testing/request.ts';
import { signed, testFile, testJwk, testKeys, testPem } from './testing/tokens.ts';
import { sendJson, testWeb } from './testing/web.ts';
import { TOKEN_ALGORITHMS, type TokenAlgorithm } from './token-keys.ts';

const secret = Buffer.alloc(64, 'k');
const clock = new TestClock();
const nowS = clock.nowMs() / 1000;
const usual: JWTPayload = { sub: 'ada', iss: 'https://id.example', aud: 'mqtt', exp: nowS + 3600 };
const base: JwtOptions = {
  name: 'tokens',
  clock,
  keys: [{ secret }],
  algorithms: ['HS256'],
  issuer: 'https://id.example',
  audience: 'mqtt',
};
const token = (more: JWTPayload = {}) => signed({ ...usual, ...more }, 'HS256', secret);
const ask = (method: Method, password: string, username = 'u', clientId = 'c1') =>
  method.authenticate(testRequest({ username, password, clientId }));
const outcome = async (password: string, more: Partial<JwtOptions> = {}) =>
  brief(await ask(jwtMethod({ ...base, ...more }), password));
const admitted = async (payload: JWTPayload, more: Partial<JwtOptions> = {}): Promise<Principal> => {
  const answer = await ask(jwtMethod({ ...base, ...more }), await token(payload));
  assert(answer?.kind === 'accept', brief(answer));
  return answer.principal;
};
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const without = (claim: string) => signed({ ...usual, [claim]: undefined }, 'HS256', secret);
/** A method for one public key. */
const forKey = (context: TestContext, algorithm: TokenAlgorithm, pem: string) =>
  jwtMethod({ ...base, algorithms: [algorithm], keys: [{ publicKeyFile: testFile(context, 'key.pem', pem) }] });

test('every algorithm lets in by its own key, and not by another one', async (context) => {
  for (const algorithm of TOKEN_ALGORITHMS) {
    if (algorithm.startsWith('HS')) {
      const good = await signed(usual, algorithm, secret);
      assert.equal(await outcome(good, { algorithms: [algorithm] }), 'accept ada', algorithm);
      const other = await signed(usual, algorithm, Buffer.alloc(64, 'x'));
      assert.equal(await outcome(other, { algorithms: [algorithm] }), 'refuse 0x86 token-signature', algorithm);
      continue;
    }
    const keys = testKeys(algorithm);
    const method = forKey(context, algorithm, testPem(keys));
    const good = await signed(usual, algorithm, keys.privateKey, 'any');
    assert.equal(brief(await ask(method, good)), 'accept ada', algorithm);
    const other = await signed(usual, algorithm, testKeys(algorithm).privateKey);
    assert.equal(brief(await ask(method, other)), 'refuse 0x86 token-signature', algorithm);
  }
});

test('who is let in has the claim as name, an identity that names the method, and the end of the token', async () => {
  const { username, identity, expiresAtMs, claims } = await admitted({});
  assert.deepEqual([username, identity, claims], ['ada', 'tokens:ada', undefined]);
  assert.equal(expiresAtMs, (nowS + 3600) * 1000 + 5000);
});

test('a password that is not shaped like a token is left to another method', async () => {
  for (const password of ['', 'secret', 'a.b.c', 'e.y.J', 'eyJ', 'eyJh.b', 'eyJh.b.c.d.e', 'eyJ a.b.c', 'ü.ü.ü'])
    assert.equal(await outcome(password), 'nothing', password);
  assert.equal(brief(await jwtMethod(base).authenticate(testRequest())), 'nothing');
});

test('alg=none is refused, however it is written', async () => {
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', undefined, null, ['HS256'], { HS256: 1 }])
    for (const signature of ['', 'AAAA'])
      assert.equal(await outcome(`${part({ alg })}.${part(usual)}.${signature}`), 'refuse 0x86 token-algorithm');
});

test('an algorithm that is not allowed is refused though its key is known', async () => {
  assert.equal(await outcome(await signed(usual, 'HS512', secret)), 'refuse 0x86 token-algorithm');
});

test('a public key is never taken for a secret', async (context) => {
  const keys = testKeys('RS256');
  const forged = (pem: string) => {
    const content = `${part({ alg: 'HS256' })}.${part(usual)}`;
    return `${content}.${createHmac('sha256', pem).update(content).digest('base64url')}`;
  };
  const pem = testPem(keys);
  for (const key of [pem, pem.trim()]) {
    assert.equal(brief(await ask(forKey(context, 'RS256', pem), forged(key))), 'refuse 0x86 token-algorithm');
    const both: JwtOptions = {
      ...base,
      algorithms: ['HS256', 'RS256'],
      keys: [{ secret }, { publicKeyFile: testFile(context, 'key.pem', pem) }],
    };
    assert.equal(brief(await ask(jwtMethod(both), forged(key))), 'refuse 0x86 token-signature');
  }
});

test('a token is refused by the claim that does not hold', async () => {
  const cases: [JWTPayload, string][] = [
    [{ exp: nowS - 6 }, 'refuse 0x87 token-expired'],
    [{ exp: 'tomorrow' as never }, 'refuse 0x87 token-expired'],
    [{ nbf: nowS + 6 }, 'refuse 0x87 token-not-yet'],
    [{ aud: 'other' }, 'refuse 0x87 token-audience'],
    [{ aud: [] }, 'refuse 0x87 token-audience'],
    [{ iss: 'https://evil.example' }, 'refuse 0x87 token-issuer'],
    [{ sub: '' }, 'refuse 0x87 token-username'],
    [{ sub: 7 as never }, 'refuse 0x87 token-username'],
    [{ sub: 'a\nb' }, 'refuse 0x87 token-username'],
    [{ acl: { pub: 'a' } }, 'refuse 0x87 token-rules'],
  ];
  for (const [payload, expected] of cases) assert.equal(await outcome(await token(payload)), expected);
});

test('operators learn when a token ended, or that it says nothing of it', async () => {
  const detail = async (password: string): Promise<string | undefined> => {
    const answer = await ask(jwtMethod(base), password);
    return answer?.kind === 'refuse' ? answer.detail : undefined;
  };
  const endedS = nowS - 3_600;
  const ended = new Date(endedS * 1_000).toISOString();
  assert.equal(await detail(await token({ exp: endedS })), `it ended at ${ended}`);
  assert.equal(await detail(await token({ exp: -1e300 })), 'the claim "exp" does not hold', 'no time of the calendar');
  assert.equal(await detail(await without('exp')), 'the claim "exp" is missing');
});

test('issuer, audience and end must be there unless the options say otherwise', async () => {
  assert.equal(await outcome(await without('exp')), 'refuse 0x87 token-expired');
  assert.equal(await outcome(await without('aud')), 'refuse 0x87 token-audience');
  assert.equal(await outcome(await without('iss')), 'refuse 0x87 token-issuer');
  assert.equal(await outcome(await without('exp'), { mustExpire: false }), 'accept ada');
  assert.equal(await outcome(await without('aud'), { audience: false }), 'accept ada');
  assert.equal(await outcome(await without('iss'), { issuer: false }), 'accept ada');
  assert.equal(await outcome(await token({ aud: ['x', 'b'] }), { audience: ['a', 'b'] }), 'accept ada');
});

test('clocks may differ by the tolerance, and the connection ends by the same measure', async () => {
  assert.equal((await admitted({ exp: nowS - 4, nbf: nowS + 5 })).expiresAtMs, (nowS - 4) * 1000 + 5000);
  assert.equal(await outcome(await token({ exp: nowS }), { clockToleranceMs: 0 }), 'refuse 0x87 token-expired');
});

test('claims must equal what the options say, with what CONNECT shows put in', async () => {
  const method = jwtMethod({ ...base, claims: { dev: '%u', cid: 'x-{clientId}', level: 3 } });
  const good = await token({ dev: 'cam1', cid: 'x-c1', level: 3 });
  assert.equal(brief(await ask(method, good, 'cam1')), 'accept ada');
  assert.equal(brief(await ask(method, good, 'cam2')), 'refuse 0x87 token-claim');
  assert.equal(brief(await ask(method, good, '')), 'refuse 0x87 token-claim');
  assert.equal(brief(await ask(method, good, 'cam1', 'c2')), 'refuse 0x87 token-claim');
  const typed = await token({ dev: 'cam1', cid: 'x-c1', level: '3' });
  assert.equal(brief(await ask(method, typed, 'cam1')), 'refuse 0x87 token-claim');
  const nothing = await token({ dev: null, cid: 'x-c1', level: 3 });
  assert.equal(brief(await ask(method, nothing, '')), 'refuse 0x87 token-claim');
  const inherited = jwtMethod({ ...base, claims: { 'constructor.name': 'Object' } });
  assert.equal(brief(await ask(inherited, await token())), 'refuse 0x87 token-claim');
});

test('a user name that stands for itself is not put in twice', async () => {
  const method = jwtMethod({ ...base, claims: { dev: '{username}' } });
  assert.equal(brief(await ask(method, await token({ dev: '%c$&' }), '%c$&')), 'accept ada');
});

test('groups, attributes and rules come from their claims', async () => {
  const payload = { preferred: 'bob', realm: { roles: ['a', 'b'] }, tenant: 'acme', acl: { sub: ['t/%u'] } };
  const { username, groups, attributes, claims } = await admitted(payload, {
    usernameClaim: 'preferred',
    groupsClaim: 'realm.roles',
    attributeClaims: { tenantId: 'tenant', missing: 'nowhere' },
  });
  assert.deepEqual([username, groups, { ...attributes }], ['bob', ['a', 'b'], { tenantId: 'acme' }]);
  assert.deepEqual(claims, { rules: [{ action: 'allow', to: ['subscribe'], topics: ['t/%u'] }] });
  assert.equal((await admitted(payload, { rulesClaim: false })).claims, undefined);
  assert.equal(await outcome(await token({ g: [7] }), { groupsClaim: 'g' }), 'refuse 0x87 token-claim');
});

test('JSON with __proto__ changes nothing', async () => {
  const payload = `{"__proto__": {"sub": "admin", "acl": {"pub": ["#"]}}, ${JSON.stringify(usual).slice(1)}`;
  const content = `${part({ alg: 'HS256' })}.${Buffer.from(payload.replace('"sub":"ada",', '')).toString('base64url')}`;
  const forged = `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
  assert.equal(await outcome(forged), 'refuse 0x87 token-username');
  const header = Buffer.from('{"__proto__": {"alg": "HS256"}}').toString('base64url');
  assert.equal(await outcome(`${header}.${part(usual)}.AAAA`), 'refuse 0x86 token-algorithm');
});

test('a token may be the user name', async () => {
  const method = jwtMethod({ ...base, from: 'username', claims: { sub: 'ada' } });
  const good = await token();
  assert.equal(brief(await method.authenticate(testRequest({ username: good }))), 'accept ada');
  assert.equal(brief(await method.authenticate(testRequest({ username: 'ada', password: good }))), 'nothing');
  const bound = jwtMethod({ ...base, from: 'username', claims: { sub: '{username}' } });
  assert.equal(brief(await bound.authenticate(testRequest({ username: good }))), 'refuse 0x87 token-claim');
});

test('a huge token is refused before anything of it is read', async () => {
  assert.equal(await outcome(`eyJ.${'A'.repeat(60_000)}.A`), 'refuse 0x86 token-size');
  assert.equal(await outcome(await token({ pad: 'x'.repeat(9000) })), 'refuse 0x86 token-size');
  assert.equal(await outcome(await token({ pad: 'x'.repeat(9000) }), { tokenBytesMax: 20_000 }), 'accept ada');
});

test('a token that is broken is refused, and one with a part that is changed too', async () => {
  const good = await token();
  const [header, payload, signature] = good.split('.');
  assert.equal(
    await outcome(`${header}.${part({ ...usual, sub: 'eve' })}.${signature}`),
    'refuse 0x86 token-signature',
  );
  assert.equal(await outcome(`${header}.${payload}.`), 'refuse 0x86 token-signature');
  assert.equal(await outcome(`eyJ4.${payload}.${signature}`), 'refuse 0x86 token-malformed');
  assert.equal(
    await outcome(`${part({ alg: 'HS256', kid: 7 })}.${payload}.${signature}`),
    'refuse 0x86 token-malformed',
  );
  const critical = part({ alg: 'HS256', crit: ['x'], x: 1 });
  assert.equal(await outcome(`${critical}.${payload}.${signature}`), 'refuse 0x86 token-malformed');
});

test('whatever is put in place of a part of a token is refused or no token, and no method fails', async () => {
  const good = (await token()).split('.');
  const method = jwtMethod(base);
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.oneof(fc.base64String(), fc.string(), fc.json().map(part)), async (at, text) => {
      const changed = good.with(at, text).join('.');
      fc.pre(changed !== good.join('.'));
      assert.match(brief(await ask(method, changed)), /^nothing$|^refuse 0x8[67] token-/);
    }),
  );
});

test('a key set behind a URL: known, unknown and rotated keys, and a service that is down', async (context) => {
  const [old, next] = [testKeys('ES256'), testKeys('ES256')];
  const entries = [testJwk(old, 'old')];
  const web = await testWeb(context, (_, response) => sendJson(response, 200, { keys: entries }));
  const told: MethodEvent[] = [];
  const time = new TestClock();
  const method = jwtMethod({
    ...base,
    clock: time,
    algorithms: ['ES256'],
    keys: [{ keySetUrl: web.url, maxAgeMs: 60_000, cooldownMs: 10_000, staleMaxMs: 300_000 }],
    tell: (event) => told.push(event),
  });
  context.after(() => method.close());
  const byOld = await signed(usual, 'ES256', old.privateKey, 'old');
  const byNext = await signed(usual, 'ES256', next.privateKey, 'next');
  assert.equal(brief(await ask(method, byOld)), 'accept ada');
  assert.equal(brief(await ask(method, byNext)), 'refuse 0x86 token-key');
  entries.push(testJwk(next, 'next'));
  time.pass(10_000);
  assert.equal(brief(await ask(method, byNext)), 'accept ada');
  const stolenName = await signed(usual, 'ES256', testKeys('ES256').privateKey, 'old');
  assert.equal(brief(await ask(method, stolenName)), 'refuse 0x86 token-signature');
  await web.close();
  time.pass(60_000);
  assert.equal(brief(await ask(method, byOld)), 'accept ada');
  time.pass(240_000);
  assert.equal(brief(await ask(method, byOld)), 'refuse 0x88 token-keys-unavailable');
  assert.deepEqual(
    told.map(({ name }) => name),
    ['keysUnavailable'],
  );
});

test('no part of a token is in a refusal, an event or what the chain tells', async (context) => {
  const told: MethodEvent[] = [];
  const web = await testWeb(context, (request) => request.socket.destroy());
  const [good, keys] = [await token({ sub: 'a\n', marker: 'x' }), testKeys('ES256')];
  const remote = jwtMethod({
    ...base,
    algorithms: ['ES256'],
    keys: [{ keySetUrl: web.url }],
    tell: (event) => told.push(event),
  });
  context.after(() => remote.close());
  const shown = [good, `${good}A`, `eyJ.${good.slice(4)}`, await signed(usual, 'ES256', keys.privateKey, 'kid-marker')];
  for (const method of [jwtMethod(base), remote])
    for (const password of shown) {
      const chain = authenticatorChain({ clock, methods: [method], tell: (event) => told.push(event) });
      const answer = await chain.authenticate(testRequest({ username: 'u', password }));
      const text = JSON.stringify([answer, told]);
      for (const piece of password.split('.')) assert(piece.length < 4 || !text.includes(piece), text);
      assert.doesNotMatch(text, /marker|id\.example/);
    }
});

test('keys that cannot be used are refused when the method is made', () => {
  assert.throws(() => jwtMethod({ ...base, algorithms: ['RS256'] }), /Cannot use these keys/);
});
