/** Ways in with tokens that must stay shut. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { signed, testKeys, testPem } from '../../packages/identity/src/testing/tokens.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const ours = testKeys('ES256');
const pem = testPem(ours);
const file = join(scratch(), 'tokens.pem');
writeFileSync(file, pem);
const nowS = Math.floor(Date.now() / 1000);
const claims = { sub: 'ada', aud: 'mqtt', iss: 'https://login.example', exp: nowS + 600 };

const server = await GuardedServer.start({
  guard: { userDelayAfter: 100 },
  authentication: [
    {
      method: 'jwt',
      algorithms: ['ES256'],
      keys: [file],
      audience: ['mqtt'],
      issuer: ['https://login.example'],
      clockToleranceS: 0,
    },
  ],
});

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const [head, body, signature] = (await signed(claims, 'ES256', ours.privateKey)).split('.');
const bad = [
  ['not signed (alg none)', `${part({ alg: 'none' })}.${part(claims)}.`, 0x86, 'token-algorithm'],
  [
    'not signed (alg nOnE)',
    `${part({ alg: 'nOnE', typ: 'JWT' })}.${part(claims)}.${signature}`,
    0x86,
    'token-algorithm',
  ],
  ['signed with the public key as a secret', await signed(claims, 'HS256', Buffer.from(pem)), 0x86, 'token-algorithm'],
  ['signed by somebody else', await signed(claims, 'ES256', testKeys('ES256').privateKey), 0x86, 'token-signature'],
  [
    'changed behind its signature',
    `${head}.${part({ ...claims, sub: 'admin' })}.${signature}`,
    0x86,
    'token-signature',
  ],
  ['without its signature', `${head}.${body}.`, 0x86, 'token-signature'],
  ['expired', await signed({ ...claims, exp: nowS - 1 }, 'ES256', ours.privateKey), 0x87, 'token-expired'],
  ['that never ends', await signed({ ...claims, exp: undefined }, 'ES256', ours.privateKey), 0x87, 'token-expired'],
  ['not yet valid', await signed({ ...claims, nbf: nowS + 60 }, 'ES256', ours.privateKey), 0x87, 'token-not-yet'],
  ['for another audience', await signed({ ...claims, aud: 'web' }, 'ES256', ours.privateKey), 0x87, 'token-audience'],
  ['for no audience', await signed({ ...claims, aud: undefined }, 'ES256', ours.privateKey), 0x87, 'token-audience'],
  [
    'of another issuer',
    await signed({ ...claims, iss: 'https://evil' }, 'ES256', ours.privateKey),
    0x87,
    'token-issuer',
  ],
] as const;

test('a token that counts comes in, so that the doors below are doors', async () => {
  const client = await server.open('tcp');
  await client.connect({ clientId: 'good', username: 'x', password: await signed(claims, 'ES256', ours.privateKey) });
  assert.equal((await server.told('clientConnected', { clientId: 'good' })).username, 'ada');
  await client.disconnect();
});

for (const [title, token, code, check] of bad) {
  test(`a token ${title} is refused, and no event holds any of it`, async () => {
    const client = await server.open('tcp');
    await server.refuses(client, { clientId: title, username: 'ada', password: token }, code, check);
    for (const secret of token.split('.').filter((text) => text !== ''))
      assert.ok(!JSON.stringify(server.events).includes(secret));
  });
}

test('the connection ends when its token does, in 5.0 with 0x87', async () => {
  const ending = await signed({ ...claims, exp: Math.floor(Date.now() / 1000) + 2 }, 'ES256', ours.privateKey);
  const five = await server.open('tcp');
  await five.connect({ clientId: 'ending', username: 'ada', password: ending });
  const four = await server.open('tcp', 4);
  await four.connect({ clientId: 'ending-4', username: 'ada', password: ending });
  await five.expectClose([0x87]);
  await four.expectClose();
  for (const clientId of ['ending', 'ending-4'])
    await server.told('clientDisconnected', { clientId, by: 'server', check: 'credential-expired' });
  const again = await server.open('tcp');
  await server.refuses(again, { clientId: 'ending', username: 'ada', password: ending }, 0x87, 'token-expired');
});
