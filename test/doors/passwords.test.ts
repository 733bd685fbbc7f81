/** Ways in with passwords that must stay shut: guessing, locking others out, empty passwords, SCRAM said again. */
import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { authenticatorChain, hashPassword, PasswordVerifier, users, writeScramCredential } from '@dunlin/identity';
import { type ConfigurationInput, systemClock } from '@dunlin/server';
import type { RawClient } from '../conformance/raw-client.ts';
import { auth } from '../conformance/wire.ts';
import { GuardedServer, scratch } from './guarded-server.ts';

const BAD_USER_NAME_OR_PASSWORD = 0x86;
const hash = await hashPassword(Buffer.from('pencil'));
const people = ['ada', 'bob'].map((name) => ({ name, password: hash }));
const asUsers = (list: readonly object[]): ConfigurationInput['authentication'] => [
  { method: 'users', users: list as typeof people },
];

test('a wrong password, none, one of no bytes, and an unknown user get the same code', async () => {
  const empty = await hashPassword(Buffer.alloc(0));
  const server = await GuardedServer.start({
    authentication: asUsers([...people, { name: 'eve', password: empty }]),
    guard: { userDelayAfter: 100 },
  });
  for (const [username, password, check] of [
    ['ada', 'wrong', 'password'],
    ['ada', '', 'password'],
    ['ada', undefined, 'password'],
    // Even where somebody wrote the hash of nothing into the file.
    ['eve', '', 'password'],
    ['nobody', 'pencil', 'unknown-user'],
  ] as const) {
    const clientId = `${username}-${password}`;
    const client = await server.open('tcp');
    await server.refuses(client, { clientId, username, password }, BAD_USER_NAME_OR_PASSWORD, check);
  }
  const anonymous = await server.open('tcp');
  await server.refuses(anonymous, { clientId: 'anonymous' }, 0x87, 'no-credentials');
  const old = await server.open('tcp', 4);
  await server.refuses(old, { clientId: 'old', username: 'ada', password: 'wrong' }, 4, 'password');
});

test('how long an answer takes does not tell whether there is such a user: each costs one hash', async () => {
  const verifier = new PasswordVerifier();
  const method = users({ name: 'users', users: people, verifier });
  const authenticator = authenticatorChain({ clock: systemClock, methods: [method] });
  const server = await GuardedServer.start({}, { authenticator });
  const costs = async (username: string, password: string): Promise<number> => {
    const before = verifier.counts.computed;
    const client = await server.open('tcp');
    client.sendConnect({ clientId: username, username, password });
    await client.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
    return verifier.counts.computed - before;
  };
  assert.deepEqual([await costs('ada', 'wrong'), await costs('nobody', 'wrong')], [1, 1]);
  // Nor does a password of no bytes, which costs neither of them one.
  assert.deepEqual([await costs('ada', ''), await costs('nobody', '')], [0, 0]);
});

test('who guesses is banned, by user at his address and then by address, and others are not', async () => {
  const server = await GuardedServer.start({
    authentication: asUsers(people),
    guard: { userAtAddressBanAfter: 3, addressBanAfter: 5, trusted: ['10.0.0.0/8'] },
  });
  const open = (address: string) => server.open('tcp', 5, address);
  const guess = async (username: string, address: string): Promise<void> => {
    const client = await open(address);
    client.sendConnect({ clientId: 'guesser', username, password: 'wrong' });
    await client.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
  };
  const comesIn = async (username: string, address: string): Promise<void> => {
    const client = await open(address);
    await client.connect({ clientId: `${username}-${address}`, username, password: 'pencil' });
    await client.disconnect();
  };
  for (let attempt = 0; attempt < 3; attempt++) await guess('ada', '127.0.0.2');
  await server.told('userAtAddressBanned', { address: '127.0.0.2', username: 'ada' });
  const right = { username: 'ada', password: 'pencil' };
  await server.refuses(await open('127.0.0.2'), { clientId: 'banned', ...right }, 0x8a, 'banned-user-at-address');
  await comesIn('bob', '127.0.0.2');
  await comesIn('ada', '127.0.0.3');

  for (const username of ['x', 'y']) await guess(username, '127.0.0.2');
  await server.told('addressBanned', { address: '127.0.0.2' });
  // Not worth an answer any longer, nor memory.
  const bob = await open('127.0.0.2');
  bob.sendConnect({ clientId: 'bob', username: 'bob', password: 'pencil' });
  await bob.expectClose();
  await server.told('connectionRejected', { address: '127.0.0.2', check: 'banned-address' });
  await comesIn('bob', '127.0.0.3');
});

test('a user that is disabled or gets another password is cut at the reload, and others are not', async () => {
  const server = await GuardedServer.start({ authentication: asUsers([...people, { name: 'eve', password: hash }]) });
  const connected = async (username: string): Promise<RawClient> => {
    const client = await server.open('tcp');
    await client.connect({ clientId: username, username, password: 'pencil' });
    return client;
  };
  const [ada, bob, eve] = [await connected('ada'), await connected('bob'), await connected('eve')];
  const next = [
    { name: 'ada', password: hash, disabled: true },
    { name: 'bob', password: hash },
    { name: 'eve', password: await hashPassword(Buffer.from('other')) },
  ];
  const report = await server.running?.reload({ ...server.running.configuration, authentication: asUsers(next) });
  assert.equal(report?.disconnected, 2);
  await ada.expectClose([0x87]);
  await server.told('clientDisconnected', { clientId: 'ada', by: 'server', check: 'user-disabled' });
  await eve.expectClose([0x87]);
  await server.told('clientDisconnected', { clientId: 'eve', by: 'server', check: 'user-changed' });
  await bob.ping();
  const again = await server.open('tcp');
  await server.refuses(again, { clientId: 'ada', username: 'ada', password: 'pencil' }, 0x87, 'user-disabled');
  await bob.disconnect();
});

test('a Client Identifier that the template does not know is refused, whatever the password', async () => {
  const server = await GuardedServer.start({
    authentication: asUsers([...people, { name: 'a+b', password: hash }]),
    clientIds: [{ template: '{site}-{device}', patterns: { site: 'letters+' }, equals: { device: '{username}' } }],
  });
  for (const clientId of ['ada', 'berlin-bob', 'berlin-ada-', '9-ada', '']) {
    const client = await server.open('tcp');
    client.sendConnect({ clientId, username: 'ada', password: 'pencil' });
    await client.expectRefusal(0x85);
  }
  assert.equal(server.count('connectRefused', { check: 'client-id', reasonCode: 0x85 }), 5);
  // Its name fits, and would leave its level wherever a rule pastes {attr.device}.
  const wild = { clientId: 'berlin-a+b', username: 'a+b', password: 'pencil' };
  await server.refuses(await server.open('tcp'), wild, 0x85, 'client-id');
  const good = await server.open('tcp');
  await good.connect({ clientId: 'berlin-ada', username: 'ada', password: 'pencil' });
  await good.disconnect();
});

const MECHANISM = 'SCRAM-SHA-256';

/** The client's side of one exchange: sends CONNECT, answers the challenge with what `final` makes of it. */
async function scramLogin(client: RawClient, clientId: string, final: (serverFirst: string) => string): Promise<void> {
  const authenticationData = Buffer.from('n,,n=ada,r=clientNonce');
  client.sendConnect({ clientId, properties: { authenticationMethod: MECHANISM, authenticationData } });
  const challenge = await client.expect('auth', { code: 0x18 });
  const answer = Buffer.from(final(String(Buffer.from(challenge.properties.authenticationData ?? []))));
  client.send(auth(0x18, { authenticationMethod: MECHANISM, authenticationData: answer }));
}

/** client-final of RFC 5802. */
function clientFinal(serverFirst: string, password: string): string {
  const [, nonce, salt, iterations] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(serverFirst) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest();
  const signed = `n=ada,r=clientNonce,${serverFirst},c=biws,r=${nonce}`;
  const signature = createHmac('sha256', storedKey).update(signed).digest();
  return `c=biws,r=${nonce},p=${Buffer.from(clientKey.map((byte, at) => byte ^ signature[at])).toString('base64')}`;
}

test('SCRAM: a former client-final says nothing in another exchange, nor does a proof of another password', async () => {
  const file = join(scratch(), 'scram');
  writeFileSync(file, `ada:${await writeScramCredential('pencil', MECHANISM)}\n`, { mode: 0o600 });
  const server = await GuardedServer.start({ authentication: [{ method: 'scram', file }] });
  let heard = '';
  const listenedTo = await server.open('tcp');
  await scramLogin(listenedTo, 'listened-to', (serverFirst) => {
    heard = clientFinal(serverFirst, 'pencil');
    return heard;
  });
  await listenedTo.expect('connack', { code: 0 });

  const replaying = await server.open('tcp');
  await scramLogin(replaying, 'replaying', () => heard);
  await replaying.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
  await server.told('connectRefused', { clientId: 'replaying', check: 'scram-nonce' });

  // The nonce of this exchange with the proof of the former one.
  const patching = await server.open('tcp');
  const proof = heard.slice(heard.indexOf(',p='));
  await scramLogin(patching, 'patching', (serverFirst) => `c=biws,${serverFirst.split(',')[0]}${proof}`);
  await patching.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
  await server.told('connectRefused', { clientId: 'patching', check: 'scram-proof' });

  const guessing = await server.open('tcp');
  await scramLogin(guessing, 'guessing', (serverFirst) => clientFinal(serverFirst, 'wrong'));
  await guessing.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
  await server.told('connectRefused', { clientId: 'guessing', check: 'scram-proof' });
  await listenedTo.disconnect();
});

test('SCRAM: what an unknown user looks like is the same before and after a restart, as it is for a known one', async () => {
  const directory = scratch();
  const file = join(directory, 'scram');
  const credentials = await Promise.all(['ada', 'bob', 'cid'].map(() => writeScramCredential('pencil', MECHANISM)));
  // Of several numbers of iterations an unknown user has one.
  const lines = credentials.map((text, index) => `user${index}:${text.replace('$15000:', `$${15000 + index}:`)}\n`);
  writeFileSync(file, lines.join(''), { mode: 0o600 });
  const seen = new Set<string>();
  for (let start = 1; start <= 3; start++) {
    const data = join(directory, 'data');
    const server = await GuardedServer.start({ authentication: [{ method: 'scram', file }], data });
    const client = await server.open('tcp');
    await scramLogin(client, 'unknown', (serverFirst) => {
      seen.add(serverFirst.slice(serverFirst.indexOf(',s=')));
      return clientFinal(serverFirst, 'pencil');
    });
    await client.expectRefusal(BAD_USER_NAME_OR_PASSWORD);
    await server.running?.stop();
  }
  assert.equal(seen.size, 1);
});
