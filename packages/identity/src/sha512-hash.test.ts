import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSha512Hash } from './sha512-hash.ts';

/** Written by mosquitto_passwd -H sha512 of Mosquitto 2.0.11. */
const HASH =
  '$6$16EplkpkAHJcoNQl$7k9AeUKW84WzhMqrWSfkDcLAYPj64jDjLia7YP8lyx6izu9oDK11POt/J5n/hkmjagFrgGxlV5P0o9c+tyE7Nw==';

test('knows the password of a hash that mosquitto_passwd wrote, and no other', async () => {
  assert.equal(await parseSha512Hash(HASH).matches(Buffer.from('pw6')), true);
  assert.equal(await parseSha512Hash(HASH).matches(Buffer.from('pw7')), false);
});

test('refuses what is not whole', () => {
  const [, , salt, tag] = HASH.split('$');
  const wrong: [string, RegExp][] = [
    [`$6$${salt}`, /: \$6\$salt\$hash is expected$/],
    [`$6$${salt}$${tag}$`, /: \$6\$salt\$hash is expected$/],
    [`$6$${salt}$${tag.slice(4)}`, /: the hash has 61 bytes, 64 are expected$/],
    [`$6$${salt}=$${tag}`, /: the salt is not Base64 as it is expected$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseSha512Hash(text), { code: 'password-hash', message }, text);
  }
});
