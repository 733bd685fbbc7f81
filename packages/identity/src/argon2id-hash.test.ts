import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArgon2idHash, writeArgon2idHash } from './argon2id-hash.ts';

/** From the tests of the reference implementation: the password is "password". */
const VECTORS = [
  '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
  '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4',
  '$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc',
];

test('knows the passwords of the reference implementation, and no other', async () => {
  for (const vector of VECTORS) {
    assert.equal(await parseArgon2idHash(vector).matches(Buffer.from('password')), true, vector);
    assert.equal(await parseArgon2idHash(vector).matches(Buffer.from('Password')), false, vector);
  }
});

test('writes what it reads, with the parameters of OWASP and a salt of its own', async () => {
  const password = Buffer.from('pässword');
  const [text, other] = [await writeArgon2idHash(password), await writeArgon2idHash(password)];
  assert.match(text, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}$/);
  assert.notEqual(text, other);
  assert.equal(await parseArgon2idHash(text).matches(password), true);
});

test('refuses parameters that cost too much or protect nothing', () => {
  const salt = 'c29tZXNhbHQ';
  const tag = 'nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
  const wrong: [string, RegExp][] = [
    [`v=16$m=256,t=2,p=1$${salt}$${tag}`, /: its version is 16, 19 is expected$/],
    [`v=19$m=262145,t=1,p=1$${salt}$${tag}`, /: m is 262145, 8 to 262144 is expected$/],
    [`v=19$m=262144,t=5,p=1$${salt}$${tag}`, /: t is 5, 1 to 4 is expected$/],
    [`v=19$m=256,t=0,p=1$${salt}$${tag}`, /: t is 0, 1 to 4096 is expected$/],
    [`v=19$m=256,t=${'9'.repeat(99)},p=1$${salt}$${tag}`, /: t is 9+, 1 to 4096 is expected$/],
    [`v=19$m=15,t=2,p=2$${salt}$${tag}`, /: m is 15, 16 to 262144 is expected$/],
    [`v=19$m=256,t=2,p=17$${salt}$${tag}`, /: p is 17, 1 to 16 is expected$/],
    [`v=19$m=256,t=2,p=0$${salt}$${tag}`, /: p is 0, 1 to 16 is expected$/],
    [`v=19$m=256,t=2,p=1$c29tZQ$${tag}`, /: the salt has 4 bytes, 8 to 64 are expected$/],
    [`v=19$m=256,t=2,p=1$${salt}$AQI`, /: the hash has 2 bytes, 16 to 64 are expected$/],
    [`v=19$m=256,t=2,p=1$${salt}=$${tag}`, /: the salt is not Base64 as it is expected$/],
    [`v=19$t=2,m=256,p=1$${salt}$${tag}`, /: \$argon2id\$v=19\$m=…,t=…,p=…\$salt\$hash is expected$/],
    [`v=19$m=-256,t=2,p=1$${salt}$${tag}`, /\$salt\$hash is expected$/],
  ];
  for (const [rest, message] of wrong) {
    assert.throws(() => parseArgon2idHash(`$argon2id$${rest}`), { code: 'password-hash', message }, rest);
  }
});
