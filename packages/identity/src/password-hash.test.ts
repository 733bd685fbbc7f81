import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, parseHash } from './password-hash.ts';

const password = Buffer.from('secret');

test('reads each format by its prefix, and keeps the text', async () => {
  const sha512 =
    '$6$16EplkpkAHJcoNQl$7k9AeUKW84WzhMqrWSfkDcLAYPj64jDjLia7YP8lyx6izu9oDK11POt/J5n/hkmjagFrgGxlV5P0o9c+tyE7Nw==';
  assert.equal(parseHash(sha512).text, sha512);
  assert.equal(await parseHash(sha512).matches(Buffer.from('pw6')), true);
  const written = await Promise.all([hashPassword(password), hashPassword(password, 'mosquitto')]);
  assert.deepEqual(
    written.map((text) => text.slice(0, 3)),
    ['$ar', '$7$'],
  );
  for (const text of written) assert.equal(await parseHash(text).matches(password), true);
});

test('a text that is no hash is refused without being repeated', () => {
  for (const text of ['hunter2', '', '$5$hunter2$x', ' $6$hunter2$x', '$argon2i$hunter2']) {
    assert.throws(
      () => parseHash(text),
      (error: Error) =>
        /it is no hash.*\$argon2id\$, \$7\$, \$6\$ is expected; dunlin passwd --hash makes one$/.test(error.message) &&
        !error.message.includes('hunter2'),
    );
  }
  assert.throws(() => parseHash('$6$'.padEnd(513, 'A')), /it has 513 characters, at most 512 are expected$/);
});
