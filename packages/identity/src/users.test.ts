import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PasswordVerifier } from './password-verifier.ts';
import { testRequest } from './testing/request.ts';
import { type ConfiguredUser, users } from './users.ts';

const HASH =
  '$6$16EplkpkAHJcoNQl$7k9AeUKW84WzhMqrWSfkDcLAYPj64jDjLia7YP8lyx6izu9oDK11POt/J5n/hkmjagFrgGxlV5P0o9c+tyE7Nw==';
const method = (list: readonly ConfiguredUser[]) =>
  users({ name: 'staff', users: list, verifier: new PasswordVerifier() });

test('lets in the users of the configuration', async () => {
  const staff = method([{ name: 'ada', password: HASH, groups: ['ops'], attributes: { site: 'x' } }]);
  const accepted = await staff.authenticate(testRequest({ username: 'ada', password: 'pw6' }));
  assert.equal(accepted?.kind, 'accept');
  const { identity, groups, attributes } = accepted.principal;
  assert.deepEqual([identity, groups, attributes], ['staff:ada', ['ops'], { site: 'x' }]);
  assert.deepEqual(staff.prepareReload([{ name: 'ada', password: HASH, disabled: true }])().changed, ['ada']);
  assert.equal(staff.review?.(accepted.principal)?.check, 'user-disabled');
});

test('a password in plain text is an error that says how to make a hash, and does not repeat it', () => {
  assert.throws(
    () => method([{ name: 'ada', password: 'hunter2' }]),
    (error: Error) => {
      assert.match(error.message, /^Cannot use the user "ada": .*dunlin passwd --hash makes one$/);
      return !error.message.includes('hunter2');
    },
  );
});

test('a user twice or without a name is an error that changes nothing', async () => {
  const staff = method([{ name: 'ada', password: HASH }]);
  const bob = { name: 'bob', password: HASH };
  assert.throws(() => staff.prepareReload([bob, bob]), { code: 'users', message: /"bob": the user is here twice/ });
  assert.throws(() => staff.prepareReload([{ name: '', password: HASH }]), /"": there is no user name$/);
  assert.equal((await staff.authenticate(testRequest({ username: 'ada', password: 'pw6' })))?.kind, 'accept');
});
