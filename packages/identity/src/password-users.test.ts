import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationResult, Principal } from '@dunlin/broker';
import type { PasswordHash } from './password-hash.ts';
import { PasswordUsers } from './password-users.ts';
import { PasswordVerifier } from './password-verifier.ts';
import { testRequest } from './testing/request.ts';
import type { KnownUser } from './user-table.ts';

/** A hash of the password that it names; counts how often it was computed. */
class CountedHash implements PasswordHash {
  readonly text: string;
  computed = 0;

  constructor(password: string) {
    this.text = `$${password}`;
  }

  async matches(password: Uint8Array): Promise<boolean> {
    this.computed += 1;
    return this.text === `$${String(password)}`;
  }
}

const user = (hash: PasswordHash, more: Partial<KnownUser<PasswordHash>> = {}): KnownUser<PasswordHash> => ({
  proof: hash,
  groups: [],
  attributes: {},
  disabled: false,
  ...more,
});

function world(users: Record<string, KnownUser<PasswordHash>>) {
  const verifier = new PasswordVerifier();
  const method = new PasswordUsers('file', verifier);
  method.replace(new Map(Object.entries(users)));
  const ask = (username: string, password?: string) => method.authenticate(testRequest({ username, password }));
  const replace = (next: Record<string, KnownUser<PasswordHash>>) => method.replace(new Map(Object.entries(next)));
  return { verifier, method, ask, replace };
}

function principalOf(result: AuthenticationResult | undefined): Principal {
  assert.equal(result?.kind, 'accept');
  return result.principal;
}

test('lets a user in by the right password, with groups and attributes, and refuses a wrong one', async () => {
  const { ask } = world({ ada: user(new CountedHash('right'), { groups: ['ops'], attributes: { site: 'x' } }) });
  const { username, identity, groups, attributes, expiresAtMs } = principalOf(await ask('ada', 'right'));
  assert.deepEqual([username, identity, groups, attributes], ['ada', 'file:ada', ['ops'], { site: 'x' }]);
  assert.equal(expiresAtMs, Infinity);
  const refused = await ask('ada', 'wrong');
  assert.partialDeepStrictEqual(refused, { kind: 'refuse', reasonCode: 0x86, check: 'password' });
});

test('says nothing of an unknown user, after as many hashes as a known one costs', async () => {
  const { ask, verifier } = world({ ada: user(new CountedHash('right')) });
  await ask('ada', 'wrong');
  assert.equal(verifier.counts.computed, 1);
  assert.equal(await ask('nobody', 'wrong'), undefined);
  assert.equal(verifier.counts.computed, 2);
  // The very password of the user whose hash was taken gives nothing away.
  assert.equal(await ask('nobody', 'right'), undefined);
  assert.equal(await ask('nobody', 'right'), undefined);
  assert.deepEqual(verifier.counts, { computed: 4, remembered: 0, refused: 0 });
});

test('an unknown user costs the hash of one user, always the same, and other names that of others', async () => {
  const hashes = Array.from({ length: 4 }, (_, at) => new CountedHash(`p${at}`));
  const { ask } = world(Object.fromEntries(hashes.map((hash, at) => [`user${at}`, user(hash)])));
  for (const password of ['a', 'b', 'c']) await ask('nobody', password);
  assert.deepEqual(hashes.map(({ computed }) => computed).sort(), [0, 0, 0, 3]);
  for (let at = 0; at < 200; at++) await ask(`nobody${at}`, 'a');
  assert.ok(hashes.every(({ computed }) => computed > 0));
});

test('without any user an unknown one still costs a hash', async () => {
  const { ask, verifier } = world({});
  assert.equal(await ask('nobody', 'x'), undefined);
  assert.equal(verifier.counts.computed, 1);
});

test('a password of no bytes is none', async () => {
  const { ask, method, verifier } = world({ ada: user(new CountedHash('')) });
  for (const password of ['', undefined]) {
    assert.partialDeepStrictEqual(await ask('ada', password), { kind: 'refuse', reasonCode: 0x86, check: 'password' });
    assert.equal(await ask('nobody', password), undefined);
  }
  assert.equal(await method.authenticate(testRequest({ password: 'x' })), undefined);
  assert.equal(verifier.counts.computed, 0);
});

test('only the right password learns that a user is disabled, and is not remembered', async () => {
  const { ask, verifier } = world({ ada: user(new CountedHash('right'), { disabled: true }) });
  assert.partialDeepStrictEqual(await ask('ada', 'wrong'), { reasonCode: 0x86, check: 'password' });
  for (const computed of [2, 3]) {
    assert.partialDeepStrictEqual(await ask('ada', 'right'), { reasonCode: 0x87, check: 'user-disabled' });
    assert.equal(verifier.counts.computed, computed);
  }
});

test('a password check that has no place in the line is refused, of known and unknown users alike', async () => {
  const verifier = new PasswordVerifier({ concurrentMax: 1, waitingMax: 0 });
  const method = new PasswordUsers('file', verifier);
  let go = (): void => {};
  const held: PasswordHash = {
    text: '$held',
    matches: () =>
      new Promise((resolve) => {
        go = () => resolve(true);
      }),
  };
  method.replace(new Map([['ada', user(held)]]));
  const first = method.authenticate(testRequest({ username: 'ada', password: 'x' }));
  for (const username of ['ada', 'nobody']) {
    const busy = await method.authenticate(testRequest({ username, password: 'y' }));
    assert.partialDeepStrictEqual(busy, { kind: 'refuse', reasonCode: 0x89, check: 'password-backlog' });
  }
  // Who changes while the check is under way is not let in by it.
  method.replace(new Map([['ada', user(new CountedHash('z'))]]));
  go();
  assert.partialDeepStrictEqual(await first, { kind: 'refuse', reasonCode: 0x86 });
});

test('a replacement tells what changed, and a review refuses whom it concerns', async () => {
  const { ask, method, replace } = world({
    ada: user(new CountedHash('a')),
    bob: user(new CountedHash('b')),
    cora: user(new CountedHash('c')),
    dan: user(new CountedHash('d')),
    eve: user(new CountedHash('e')),
  });
  const inside = new Map<string, Principal>();
  for (const name of ['ada', 'bob', 'cora', 'dan', 'eve']) {
    // As the chain may hand it on: a copy.
    inside.set(name, { ...principalOf(await ask(name, name[0])) });
  }
  const changes = replace({
    ada: user(new CountedHash('a')),
    bob: user(new CountedHash('other')),
    cora: user(new CountedHash('c'), { disabled: true }),
    eve: user(new CountedHash('e'), { groups: ['ops'] }),
    finn: user(new CountedHash('f')),
  });
  assert.deepEqual(changes, { added: ['finn'], removed: ['dan'], changed: ['bob', 'cora', 'eve'] });
  const checks = [...inside].map(([name, principal]) => [name, method.review(principal)?.check]);
  assert.deepEqual(checks, [
    ['ada', undefined],
    ['bob', 'user-changed'],
    ['cora', 'user-disabled'],
    ['dan', 'user-removed'],
    ['eve', 'user-changed'],
  ]);
  assert.equal(method.review(principalOf(await ask('bob', 'other'))), undefined);
  assert.partialDeepStrictEqual(await ask('bob', 'b'), { kind: 'refuse', check: 'password' });
});
