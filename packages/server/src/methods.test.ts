import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Authorities, hashPassword, PasswordVerifier } from '@dunlin/identity';
import { LOCALHOST_CERTIFICATE, signed, TestClock, testRequest, testWeb } from '../../../test/doubles.ts';
import type { MethodConfiguration } from './identity-configuration.ts';
import { type LoadedMethod, loadMethod } from './methods.ts';

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

test('a method of tokens goes on with keys that are added, and is another one where a key was taken away', async () => {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const [old, young] = [pair(), pair()];
  const [one, two] = (
    [
      ['old', old],
      ['young', young],
    ] as const
  ).map(([name, { publicKey }]) => {
    const path = join(scratch, `${name}.pem`);
    writeFileSync(path, publicKey.export({ type: 'spki', format: 'pem' }));
    return path;
  });
  const jwt = { method: 'jwt', name: 'tokens', algorithms: ['ES256'], requireExpiry: false } as const;
  const { method, continuation } = load({ ...jwt, keys: [one] });
  const token = await signed({ sub: 'tom' }, 'ES256', young.privateKey);
  const kind = async () => (await method.authenticate(testRequest({ username: 'tom', password: token })))?.kind;
  assert.equal(await kind(), 'refuse');
  continuation({ ...jwt, keys: [one, two] })?.();
  assert.equal(await kind(), 'accept');
  assert.notEqual(continuation({ ...jwt, keys: [two, one] }), undefined);
  assert.equal(continuation({ ...jwt, keys: [two] }), undefined);
  assert.equal(continuation({ ...jwt, keys: [one, two], issuer: ['x'] }), undefined);
  assert.equal(continuation({ ...jwt, keys: [one, two], claims: { keys: 'x' } }), undefined);
});

test('keys by URL are asked for with headers, from a service that an authority of its own vouches for', async (context) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const seen: unknown[] = [];
  const answer: Parameters<typeof testWeb>[1] = ({ headers }, response) => {
    seen.push([headers.authorization, headers['x-tenant']]);
    response.end(JSON.stringify({ keys: [publicKey.export({ format: 'jwk' })] }));
  };
  const { url } = await testWeb(context, answer, true);
  const [header, jwksAuthority] = [join(scratch, 'header'), join(scratch, 'web-ca.pem')];
  writeFileSync(header, 'Bearer one\n');
  writeFileSync(jwksAuthority, LOCALHOST_CERTIFICATE);
  const jwt = { method: 'jwt', name: 'tokens', algorithms: ['ES256'], requireExpiry: false, jwksUrl: url } as const;
  const sent = { jwksHeaders: { 'X-Tenant': 'a' }, jwksHeaderFiles: { Authorization: header } };
  const password = await signed({ sub: 'tom' }, 'ES256', privateKey);
  const kindOf = async ({ method }: LoadedMethod) => {
    context.after(() => method.close?.());
    const result = await method.authenticate(testRequest({ username: 'tom', password }));
    return result?.kind === 'refuse' ? result.check : result?.kind;
  };
  assert.equal(await kindOf(load({ ...jwt, ...sent })), 'token-keys-unavailable');
  const loaded = load({ ...jwt, ...sent, jwksAuthority });
  assert.equal(await kindOf(loaded), 'accept');
  assert.deepEqual(seen, [['Bearer one', 'a']]);
  assert.notEqual(loaded.continuation({ ...jwt, jwksAuthority }), undefined);
  assert.equal(loaded.continuation({ ...jwt, ...sent }), undefined);
  assert.throws(
    () => load({ ...jwt, jwksAuthority: join(scratch, 'none') }),
    /the authorities of the service from ".*none"/,
  );
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
