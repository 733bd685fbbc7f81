import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { keyFingerprint } from './key-fingerprint.ts';
import { TestClock } from './testing/clock.ts';
import { testFile, testJwk, testKeys, testPem } from './testing/tokens.ts';
import { sendJson, testWeb } from './testing/web.ts';
import { type TokenAlgorithm, type TokenKey, tokenKeys } from './token-keys.ts';

const ec = testKeys('ES256');
const rsa = testKeys('RS256');
const secret = Buffer.alloc(64, 7);
const make = (sources: readonly TokenKey[], ...algorithms: TokenAlgorithm[]) =>
  tokenKeys(sources, algorithms, { method: 'tokens', clock: new TestClock(), tell: () => {} });

test('secrets are for HS only, and public keys for the algorithms of their kind', async (context) => {
  const file = testFile(context, 'keys.pem', testPem(ec) + testPem(rsa));
  const keys = make([{ secret }, { publicKeyFile: file }], 'HS256', 'RS256', 'ES256');
  assert.deepEqual(await keys.candidates({ alg: 'HS256', kid: undefined }), [secret]);
  const algorithmsFor = async (alg: TokenAlgorithm) => {
    const found = await keys.candidates({ alg, kid: 'whatever' });
    return found.map((key) => ('algorithm' in key ? key.algorithm.name : 'secret'));
  };
  assert.deepEqual(await algorithmsFor('RS256'), ['RSASSA-PKCS1-v1_5']);
  assert.deepEqual(await algorithmsFor('ES256'), ['ECDSA']);
  assert.deepEqual(await algorithmsFor('ES384'), []);
});

test('a key set finds by kid, and every key that fits where a token names none', async (context) => {
  const set = { keys: [testJwk(ec, 'a'), testJwk(testKeys('ES256'), 'b'), testJwk(rsa, 'c')] };
  const keys = make([{ keySetFile: testFile(context, 'set.json', JSON.stringify(set)) }], 'ES256');
  const count = async (kid: string | undefined) => (await keys.candidates({ alg: 'ES256', kid })).length;
  assert.deepEqual([await count('a'), await count('c'), await count('z'), await count(undefined)], [1, 0, 0, 2]);
});

test('a key set behind a URL is fetched again for a kid that is not in it', async (context) => {
  const entries = [testJwk(ec, 'a')];
  const web = await testWeb(context, (_, response) => sendJson(response, 200, { keys: entries }));
  const keys = make([{ keySetUrl: web.url, cooldownMs: 0 }], 'ES256');
  context.after(() => keys.close());
  assert.equal((await keys.candidates({ alg: 'ES256', kid: 'b' })).length, 0);
  entries.push(testJwk(testKeys('ES256'), 'b'));
  assert.equal((await keys.candidates({ alg: 'ES256', kid: 'b' })).length, 1);
});

test('a key at hand counts though others cannot be fetched; without one that is an error', async (context) => {
  const web = await testWeb(context, (_, response) => sendJson(response, 500, {}));
  const file = testFile(context, 'key.pem', testPem(ec));
  const keys = make([{ publicKeyFile: file }, { keySetUrl: web.url }], 'ES256', 'RS256');
  context.after(() => keys.close());
  assert.equal((await keys.candidates({ alg: 'ES256', kid: 'x' })).length, 1);
  await assert.rejects(keys.candidates({ alg: 'RS256', kid: 'x' }), /keys are expected there/);
});

test('a reload takes new keys, and changes nothing where the file has a fault', async (context) => {
  const file = testFile(context, 'key.pem', testPem(ec));
  const keys = make([{ publicKeyFile: file }], 'ES256', 'EdDSA');
  const count = async (alg: TokenAlgorithm) => (await keys.candidates({ alg, kid: undefined })).length;
  writeFileSync(file, 'nothing');
  assert.throws(
    () => keys.prepareReload([{ publicKeyFile: file }]),
    /PEM with a public key or certificate is expected/,
  );
  assert.deepEqual([await count('ES256'), await count('EdDSA')], [1, 0]);
  writeFileSync(file, testPem(testKeys('EdDSA')));
  keys.prepareReload([{ publicKeyFile: file }])();
  assert.deepEqual([await count('ES256'), await count('EdDSA')], [0, 1]);
});

test('a key counts as long as it is somewhere among the sources, and one that was fetched as long as it is published', async (context) => {
  const [one, other] = [testKeys('ES256'), testKeys('ES256')];
  const published = [testJwk(one, 'a'), { kty: 'new' }];
  const web = await testWeb(context, (_, response) => sendJson(response, 200, { keys: published }));
  const file = testFile(context, 'key.pem', testPem(other));
  const keys = make([{ publicKeyFile: file }, { keySetUrl: web.url, cooldownMs: 0 }], 'ES256');
  context.after(() => keys.close());
  const known = async (kid: string) => (await keys.candidates({ alg: 'ES256', kid })).map(keyFingerprint);
  const [theOther, theOne] = await known('a');
  const hold = () => [theOne, theOther].map((fingerprint) => keys.holds(fingerprint));
  assert.deepEqual(hold(), [true, true]);
  const set = testFile(context, 'set.json', JSON.stringify({ keys: [testJwk(other, 'o')] }));
  keys.prepareReload([{ keySetFile: set }, { keySetUrl: web.url, cooldownMs: 0 }])();
  assert.deepEqual(hold(), [true, true]);
  published[0] = testJwk(testKeys('ES256'), 'b');
  await known('b');
  assert.deepEqual(hold(), [false, true]);
  keys.prepareReload([{ keySetUrl: web.url }])();
  assert.deepEqual(hold(), [false, false]);
});

test('keys and algorithms that do not belong together are refused', (context) => {
  const publicKeyFile = testFile(context, 'key.pem', testPem(ec));
  const wrong: [TokenKey[], string[]][] = [
    [[], ['ES256']],
    [[{ secret }], []],
    [[{ secret }], ['none']],
    [[{ secret }], ['RS256']],
    [[{ publicKeyFile }], ['HS256']],
    [[{ publicKeyFile }], ['HS256', 'ES256']],
    [[{ secret }, { publicKeyFile }], ['ES256']],
    [[{ secret }, { publicKeyFile }], ['HS256']],
    [[{ secret: Buffer.alloc(31) }], ['HS256']],
    [[{ secret: Buffer.alloc(47) }], ['HS256', 'HS384']],
  ];
  for (const [sources, algorithms] of wrong)
    assert.throws(
      () => make(sources, ...(algorithms as TokenAlgorithm[])),
      /^Error: Cannot use these keys for .* expected/,
      algorithms.join(),
    );
});

test('files with private keys, secrets, weak keys or nothing are refused by name', (context) => {
  const privatePem = ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pem = (content: string) => ({ publicKeyFile: testFile(context, 'x.pem', content) });
  const set = (content: unknown) => ({ keySetFile: testFile(context, 'x.json', JSON.stringify(content)) });
  const wrong: TokenKey[] = [
    pem(''),
    pem(privatePem),
    pem(testPem(ec) + privatePem),
    pem('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n'),
    pem(testPem(weak)),
    set({ keys: [] }),
    set(null),
    set({ keys: [ec.privateKey.export({ format: 'jwk' })] }),
    set({ keys: [{ kty: 'oct', k: 'hidden' }] }),
    set({ keys: [weak.publicKey.export({ format: 'jwk' })] }),
    { keySetFile: testFile(context, 'x.json', '{"hidden') },
  ];
  for (const source of wrong)
    assert.throws(
      () => make([source], 'ES256'),
      (error: Error) =>
        /^Cannot read the .* file ".*x\.(pem|json)": .* expected/.test(error.message) && !/hidden/.test(error.message),
      JSON.stringify(source),
    );
  assert.throws(() => make([{ publicKeyFile: 'no-such-file.pem' }], 'ES256'), /ENOENT.*no-such-file/);
});
