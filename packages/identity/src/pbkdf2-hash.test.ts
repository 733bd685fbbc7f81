import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbkdf2Hash, writePbkdf2Hash } from './pbkdf2-hash.ts';

/** Written by mosquitto_passwd of Mosquitto 2.0.11. */
const VECTORS: readonly (readonly [password: string, hash: string])[] = [
  [
    'correct horse',
    '$7$101$M5a3fd4ewSdl0bb/$XisLFlzQXywg1Okn64hBbu6tRbpAuiEo9/SpA3pBl7k+yxXMSPdsphE2dknuB+bc7jjJzaDceTDbLTeG3pzgUQ==',
  ],
  [
    'päss:wörd',
    '$7$101$MFoImEyo1d/nM7lx$JM+ckSztQpsRmNW16L7bjvyYpk7nCnJD9waxza22hpaUTgsyF8A3cEb8oR2bHgoAhLlZu0hIvZoubQiQz7qo9g==',
  ],
];

test('knows the passwords of hashes that mosquitto_passwd wrote, and no other', async () => {
  for (const [password, hash] of VECTORS) {
    assert.equal(await parsePbkdf2Hash(hash).matches(Buffer.from(password)), true);
    assert.equal(await parsePbkdf2Hash(hash).matches(Buffer.from(`${password} `)), false);
  }
});

test('writes what it reads', async () => {
  const text = await writePbkdf2Hash(Buffer.from('secret'));
  assert.match(text, /^\$7\$10000\$[\w+/]{16}\$[\w+/]{86}==$/);
  assert.equal(await parsePbkdf2Hash(text).matches(Buffer.from('secret')), true);
});

test('refuses parameters that cost too much or protect nothing', () => {
  const tag = VECTORS[0][1].split('$')[4];
  const wrong: [string, RegExp][] = [
    [`$7$0$AQI=$${tag}`, /: the number of iterations is 0, 1 to 1000000 is expected$/],
    [`$7$1000001$AQI=$${tag}`, /: the number of iterations is 1000001, 1 to 1000000 is expected$/],
    [`$7$1e3$AQI=$${tag}`, /: \$7\$iterations\$salt\$hash is expected$/],
    [`$7$101$$${tag}`, /: \$7\$iterations\$salt\$hash is expected$/],
    [`$7$101$AQI$${tag}`, /: the salt is not Base64 as it is expected$/],
    [`$7$101$${Buffer.alloc(65).toString('base64')}$${tag}`, /: the salt has 65 bytes, 1 to 64 are expected$/],
    ['$7$101$AQI=$AQI=', /: the hash has 2 bytes, 64 are expected$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parsePbkdf2Hash(text), { code: 'password-hash', message }, text);
  }
});
