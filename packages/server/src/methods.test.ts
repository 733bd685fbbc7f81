import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authorities, hashPassword, PasswordVerifier } from '@dunlin/identity';
import { brief, signed, TestClock, testRequest, testWeb } from '../../../test/doubles.ts';
import type { MethodConfiguration } from './identity-configuration.ts';
import { loadMethod } from './methods.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-methods-'));
after(() => rmSync(scratch, { recursive: true }));
const clock = new TestClock();
const registry = new Authorities({ definitions: [], clock });
after(() => registry.close());
const load = (configuration: MethodConfiguration) =>
  loadMethod(configuration, { clock, verifier: new PasswordVerifier(), registry, tell: () => {} });
const password = await hashPassword(Buffer.from('ada'));
const file = join(scratch, 'passwords');

test('a password file goes on with what it says when it is read again', async () => {
  writeFileSync(file, `ada:${password}\n`);
  const configuration = { method: 'passwordFile', name: 'file', file, groups: ['staff'] } as const;
  const { method, continuation } = load(configuration);
  const found = await method.authenticate(testRequest({ username: 'ada', password: 'ada' }));
  assert.ok(found?.kind === 'accept');
  assert.deepEqual(found.principal.groups, ['staff']);
  writeFileSync(file, `bob:${password}\n`);
  const proceed = continuation({ ...configuration });
  assert.equal(method.review?.(found.principal), undefined);
  assert.deepEqual(proceed?.(), { added: ['bob'], removed: ['ada'], changed: [] });
  assert.equal(method.review?.(found.principal)?.check, 'user-removed');
  writeFileSync(file, 'wrong');
  assert.throws(() => continuation(configuration)?.());
});

test('users of the configuration come and go, and another definition is another method', () => {
  const users = (...names: string[]): MethodConfiguration => ({
    ...{ method: 'users', name: 'users' },
    users: names.map((name) => ({ name, password })),
  });
  const { continuation } = load(users('ada'));
  assert.deepEqual(continuation(users('ada', 'bob'))?.()?.added, ['bob']);
  assert.equal(continuation({ method: 'anonymous', name: 'users' }), undefined);
  assert.equal(continuation({ method: 'passwordFile', name: 'users', file }), undefined);
});

test('options that change neither whom a method lets in nor as whom are other ones while it goes on', async (context) => {
  const seen: unknown[] = [];
  const { url } = await testWeb(context, (request, response) => {
    seen.push(request.headers['x-key']);
    response.end();
  });
  const http = {
    method: 'http',
    name: 'http',
    url,
    answers: 'status',
    headers: { 'x-key': 'old' },
    cacheS: 0,
  } as const;
  const { method, continuation } = load(http);
  context.after(() => method.close?.());
  const ask = () => method.authenticate(testRequest({ username: 'ada', password: 'ada' }));
  await ask();
  const proceed = continuation({ ...http, headers: { 'x-key': 'new' }, timeoutMs: 1_000 });
  await ask();
  proceed?.();
  await ask();
  assert.deepEqual(seen, ['old', 'old', 'new']);
  assert.equal(continuation({ ...http, url: `${url}/other` }), undefined);
  assert.equal(continuation({ ...http, groups: ['staff'] } as MethodConfiguration), undefined);
});

test('a method of tokens goes on with other keys, and ends whose key is gone, also out of a file', async () => {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = ({ publicKey }: ReturnType<typeof pair>) => publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const keySet = (...pairs: ReturnType<typeof pair>[]) =>
    JSON.stringify({ keys: pairs.map(({ publicKey }) => publicKey.export({ format: 'jwk' })) });
  const [old, young] = [pair(), pair()];
  const jwt = { method: 'jwt', name: 'tokens', algorithms: ['ES256'], requireExpiry: false } as const;
  const [file, other] = [join(scratch, 'keys'), join(scratch, 'other')];
  writeFileSync(other, pem(young));
  const cases: [string, string, MethodConfiguration, next?: MethodConfiguration][] = [
    [pem(old), pem(young), { ...jwt, keys: [file] }],
    [pem(old) + pem(young), pem(young), { ...jwt, keys: [file] }],
    [keySet(old, young), keySet(young), { ...jwt, jwksFile: file }],
    [pem(old), pem(old), { ...jwt, keys: [file] }, { ...jwt, keys: [other] }],
  ];
  for (const [before, after, configuration, next = configuration] of cases) {
    writeFileSync(file, before);
    const { method, continuation } = load(configuration);
    const ask = async ({ privateKey }: typeof old) =>
      method.authenticate(
        testRequest({ username: 'tom', password: await signed({ sub: 'tom' }, 'ES256', privateKey) }),
      );
    const admitted = await ask(old);
    assert.ok(admitted?.kind === 'accept');
    const stays = { ...admitted.principal, groups: ['of a wrapper'] };
    continuation(configuration)?.();
    assert.equal(method.review?.(stays), undefined);
    writeFileSync(file, after);
    continuation(next)?.();
    const refused = method.review?.(stays);
    assert.deepEqual([refused?.check, refused?.reasonCode], ['token-key', 0x87]);
    assert.equal(brief(await ask(old)), 'refuse 0x86 token-signature');
    const renewed = await ask(young);
    assert.ok(renewed?.kind === 'accept');
    assert.equal(method.review?.(renewed.principal), undefined);
    for (const another of [{ issuer: ['x'] }, { claims: { keys: 'x' } }, { jwksUrl: 'https://x.example/' }])
      assert.equal(continuation({ ...configuration, ...another } as MethodConfiguration), undefined);
  }
});

test('what cannot be used is told with the name of the method, and no secret', () => {
  const secret = 'too-short-secret';
  assert.throws(
    () => load({ method: 'jwt', name: 'tokens', algorithms: ['HS256'], secret }),
    (error: Error) => {
      assert.equal(error.name, 'ConfigurationError');
      assert.match(error.message, /^authentication "tokens": .*a secret of 32 bytes or more is expected$/);
      assert.ok(!error.message.includes(secret));
      return true;
    },
  );
  const secretFile = join(scratch, 'none');
  assert.throws(() => load({ method: 'jwt', name: 'tokens', algorithms: ['HS256'], secretFile }), {
    message: /^authentication "tokens": Cannot read a secret from ".*none": there is no such file$/,
  });
});
