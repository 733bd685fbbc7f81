import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { AuthenticationResult, Principal } from '@dunlin/broker';
import { type ScramMethod, type ScramOptions, scram } from './scram.ts';
import { type ScramMechanism, writeScramCredential } from './scram-credential.ts';
import { type TestCredentials, testRequest } from './testing/request.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-identity-scram-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

/** A client that keeps to RFC 5802 by itself. */
class Client {
  readonly username: string;
  readonly password: string;
  readonly mechanism: ScramMechanism;
  readonly header: string;
  readonly hash: string;
  #first = '';

  constructor(username: string, password: string, mechanism: ScramMechanism = 'SCRAM-SHA-256', header = 'n,,') {
    this.username = username;
    this.password = password;
    this.mechanism = mechanism;
    this.header = header;
    this.hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';
  }

  first(nonce = 'clientNonce'): string {
    this.#first = `n=${this.username},r=${nonce}`;
    return this.header + this.#first;
  }

  /** client-final, and the server-final that has to follow. */
  final(challenge: string): { data: string; answer: string } {
    const { nonce, salt, iterations } = partsOf(challenge);
    const salted = pbkdf2Sync(this.password, salt, iterations, this.hash === 'sha256' ? 32 : 64, this.hash);
    const hmac = (key: Buffer, text: string): Buffer => createHmac(this.hash, key).update(text).digest();
    const clientKey = hmac(salted, 'Client Key');
    const storedKey = createHash(this.hash).update(clientKey).digest();
    const bare = `c=${Buffer.from(this.header).toString('base64')},r=${nonce}`;
    const signed = `${this.#first},${challenge},${bare}`;
    const signature = hmac(storedKey, signed);
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]));
    const answer = `v=${hmac(hmac(salted, 'Server Key'), signed).toString('base64')}`;
    return { data: `${bare},p=${proof.toString('base64')}`, answer };
  }
}

function partsOf(challenge: string): { nonce: string; salt: Buffer; iterations: number } {
  const [, nonce, salt, iterations] = /^r=([^,]*),s=([^,]*),i=(\d+)$/.exec(challenge) ?? [];
  return { nonce, salt: Buffer.from(salt, 'base64'), iterations: Number(iterations) };
}

function ask(method: ScramMethod, parts: TestCredentials): AuthenticationResult {
  const result = method.authenticate(testRequest({ authenticationMethod: 'SCRAM-SHA-256', ...parts }));
  assert.ok(result !== undefined && !(result instanceof Promise));
  return result;
}

function challenged(method: ScramMethod, parts: TestCredentials): { state: unknown; challenge: string } {
  const result = ask(method, parts);
  assert.equal(result.kind, 'challenge', JSON.stringify(result));
  return { state: result.state, challenge: String(result.data) };
}

/** A whole exchange. */
function login(method: ScramMethod, client: Client, parts: TestCredentials = {}): AuthenticationResult {
  const named = { authenticationMethod: client.mechanism, ...parts };
  const { state, challenge } = challenged(method, { ...named, data: client.first() });
  const { data, answer } = client.final(challenge);
  const result = ask(method, { ...named, data, state });
  if (result.kind === 'accept') assert.equal(String(result.data), answer);
  return result;
}

function principalOf(result: AuthenticationResult): Principal {
  assert.equal(result.kind, 'accept', JSON.stringify(result));
  return result.principal;
}

const ada = await writeScramCredential('pencil', 'SCRAM-SHA-256');
const ada512 = await writeScramCredential('pencil', 'SCRAM-SHA-512');
const withAda = (more: Partial<ScramOptions> = {}): ScramMethod =>
  scram({ name: 'scram', users: [{ name: 'ada', credentials: [ada, ada512], groups: ['ops'] }], ...more });

test('speaks the exchange of RFC 7677 word by word', () => {
  const salted = pbkdf2Sync('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'), 4096, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const credential = `SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$${storedKey}:${hmac('Server Key').toString('base64')}`;
  const method = scram({
    name: 'scram',
    users: [{ name: 'user', credentials: [credential] }],
    nonce: () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  });
  const { state, challenge } = challenged(method, { data: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO' });
  assert.equal(challenge, 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096');
  const data =
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,' + 'p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
  const result = ask(method, { data, state });
  assert.equal(principalOf(result).identity, 'scram:user');
  assert.equal(String((result as { data?: Buffer }).data), 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

test('lets a user in by both mechanisms, and proves to the client that it knows the password', () => {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const principal = principalOf(login(withAda(), new Client('ada', 'pencil', mechanism)));
    assert.deepEqual([principal.username, principal.identity, principal.groups], ['ada', 'scram:ada', ['ops']]);
  }
  // A client that could bind to the channel says "y", since no mechanism with -PLUS is offered.
  principalOf(login(withAda(), new Client('ada', 'pencil', 'SCRAM-SHA-256', 'y,,')));
});

test('says nothing where another Authentication Method or none is named', () => {
  for (const method of ['SCRAM-SHA-1', 'toString', undefined])
    assert.equal(
      withAda().authenticate(testRequest({ authenticationMethod: method, data: 'n,,n=ada,r=x' })),
      undefined,
    );
});

test('refuses a wrong password', () => {
  const result = login(withAda(), new Client('ada', 'pencil2'));
  assert.partialDeepStrictEqual(result, { kind: 'refuse', reasonCode: 0x86, check: 'scram-proof' });
});

test('an unknown user gets a challenge like a known one, always the same salt, and fails at the proof', () => {
  const method = withAda({ fakeSaltKey: Buffer.alloc(16) });
  const salts = ['nobody', 'nobody', 'none', 'ada'].map((name) => {
    const { challenge } = challenged(method, { data: new Client(name, 'x').first() });
    const { salt, iterations } = partsOf(challenge);
    assert.deepEqual([salt.length, iterations], [16, 15_000]);
    return salt.toString('hex');
  });
  assert.equal(salts[0], salts[1]);
  assert.equal(new Set(salts).size, 3);
  const again = withAda({ fakeSaltKey: Buffer.alloc(16) });
  const { challenge } = challenged(again, { data: new Client('nobody', 'x').first() });
  assert.equal(partsOf(challenge).salt.toString('hex'), salts[0]);
  assert.deepEqual(login(method, new Client('nobody', 'pencil')), login(method, new Client('ada', 'wrong')));
});

test('a user without a credential of the mechanism is like an unknown one', () => {
  const method = scram({ name: 'scram', users: [{ name: 'ada', credentials: [ada] }] });
  const result = login(method, new Client('ada', 'pencil', 'SCRAM-SHA-512'));
  assert.partialDeepStrictEqual(result, { reasonCode: 0x86, check: 'scram-proof' });
});

test('a former client-final is refused in another exchange, and in its own once it was answered', () => {
  const method = withAda();
  const client = new Client('ada', 'pencil');
  const { state, challenge } = challenged(method, { data: client.first() });
  const { data } = client.final(challenge);
  principalOf(ask(method, { data, state }));
  assert.partialDeepStrictEqual(ask(method, { data, state }), { kind: 'refuse', check: 'scram-message' });
  const later = challenged(method, { data: client.first() });
  assert.notEqual(later.challenge, challenge);
  const replayed = ask(method, { data, state: later.state });
  assert.partialDeepStrictEqual(replayed, { kind: 'refuse', reasonCode: 0x86, check: 'scram-nonce' });
});

test('a gs2-header that was changed on its way is refused', () => {
  const method = withAda();
  const client = new Client('ada', 'pencil', 'SCRAM-SHA-256', 'y,,');
  const { state, challenge } = challenged(method, { data: client.first().replace('y,,', 'n,,') });
  const { data } = client.final(challenge);
  assert.partialDeepStrictEqual(ask(method, { data, state }), { kind: 'refuse', check: 'scram-channel-binding' });
});

test('the User Name of CONNECT, if there is one, is that of SCRAM', () => {
  const method = withAda();
  principalOf(login(method, new Client('ada', 'pencil'), { username: 'ada' }));
  const other = ask(method, { username: 'bob', data: new Client('ada', 'pencil').first() });
  assert.partialDeepStrictEqual(other, { kind: 'refuse', reasonCode: 0x86, check: 'scram-username' });
});

test('malformed messages and names that SASLprep would change are refused', () => {
  const method = withAda();
  for (const data of [undefined, 'x', 'p=tls-exporter,,n=ada,r=x'])
    assert.partialDeepStrictEqual(ask(method, { data }), { reasonCode: 0x82, check: 'scram-message' });
  assert.partialDeepStrictEqual(ask(method, { data: 'n,,n=a\u00adda,r=x' }), {
    reasonCode: 0x86,
    check: 'scram-username',
  });
  const { state } = challenged(method, { data: 'n,,n=ada,r=x' });
  assert.partialDeepStrictEqual(ask(method, { data: 'x', state }), { reasonCode: 0x82, check: 'scram-message' });
});

test('authenticates again as the same user, never as another', async () => {
  const bob = await writeScramCredential('pen', 'SCRAM-SHA-256');
  const method = scram({
    name: 'scram',
    users: [
      { name: 'ada', credentials: [ada] },
      { name: 'bob', credentials: [bob] },
    ],
  });
  const current = principalOf(login(method, new Client('ada', 'pencil')));
  principalOf(login(method, new Client('ada', 'pencil'), { current }));
  const other = login(method, new Client('bob', 'pen'), { current });
  assert.partialDeepStrictEqual(other, { kind: 'refuse', reasonCode: 0x87, check: 'identity-changed' });
});

test('reads users from a file, tells what a reload changed, and reviews by it', () => {
  const file = join(scratch, 'users');
  writeFileSync(file, `ada:${ada}\nada:${ada512}\n`);
  const method = scram({ name: 'scram', file, users: [{ name: 'eve', credentials: [ada] }] });
  const principal = principalOf(login(method, new Client('ada', 'pencil', 'SCRAM-SHA-512')));
  const eve = principalOf(login(method, new Client('eve', 'pencil')));
  writeFileSync(file, `ada:${ada}\nhunter2\n`);
  assert.throws(() => method.prepareReload(), { code: 'credential-file', message: /users:2: / });
  assert.equal(method.review?.(principal), undefined);
  writeFileSync(file, `ada:${ada}\n`);
  const disabled = [{ name: 'eve', credentials: [ada], disabled: true }];
  assert.deepEqual(method.prepareReload(disabled)(), { added: [], removed: [], changed: ['ada', 'eve'] });
  assert.equal(method.review?.(principal)?.check, 'user-changed');
  assert.equal(method.review?.(eve)?.check, 'user-disabled');
  assert.partialDeepStrictEqual(login(method, new Client('eve', 'wrong')), { reasonCode: 0x86 });
  assert.partialDeepStrictEqual(login(method, new Client('eve', 'pencil')), {
    reasonCode: 0x87,
    check: 'user-disabled',
  });
});

test('a user who changes during an exchange is not let in by it', () => {
  const method = withAda();
  const client = new Client('ada', 'pencil');
  const { state, challenge } = challenged(method, { data: client.first() });
  method.prepareReload([{ name: 'ada', credentials: [ada] }])();
  assert.partialDeepStrictEqual(ask(method, { data: client.final(challenge).data, state }), { kind: 'refuse' });
});

test('users that cannot be are errors', () => {
  const file = join(scratch, 'both');
  writeFileSync(file, `ada:${ada}\n`);
  const wrong: [Partial<ScramOptions>, RegExp][] = [
    [{ users: [{ name: 'ada', credentials: [] }] }, /"ada": one credential a mechanism is expected/],
    [{ users: [{ name: 'ada', credentials: [ada, ada] }] }, /"ada": one credential a mechanism is expected/],
    [{ users: [{ name: 'a\u00adda', credentials: [ada] }] }, /cannot be used with SCRAM/],
    [{ users: [{ name: 'ada', credentials: ['hunter2'] }] }, /user "ada": .*SCRAM-SHA-256 or SCRAM-SHA-512/],
    [{ file, users: [{ name: 'ada', credentials: [ada] }] }, /both:1: the configuration has the user as well/],
  ];
  for (const [options, message] of wrong) assert.throws(() => scram({ name: 'scram', ...options }), { message });
});
