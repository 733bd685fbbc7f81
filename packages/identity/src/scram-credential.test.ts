import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScramCredential, scramTextProblem, writeScramCredential } from './scram-credential.ts';

const keys = (bytes: number) =>
  `${Buffer.alloc(bytes, 1).toString('base64')}:${Buffer.alloc(bytes, 2).toString('base64')}`;

test('writes credentials that it reads, each with a salt of its own', async () => {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) {
    const [text, other] = [
      await writeScramCredential('secret', mechanism),
      await writeScramCredential('secret', mechanism),
    ];
    assert.notEqual(text, other);
    const read = parseScramCredential(text);
    assert.deepEqual([read.mechanism, read.iterations, read.salt.length, read.text], [mechanism, 15_000, 16, text]);
  }
});

test('refuses what is not whole, and iterations that protect nothing or take for ever', () => {
  const salt = Buffer.alloc(16).toString('base64');
  const wrong: [string, RegExp][] = [
    [
      'hunter2',
      /SCRAM-SHA-256 or SCRAM-SHA-512 and \$iterations:salt\$StoredKey:ServerKey are expected; dunlin passwd/,
    ],
    [`SCRAM-SHA-1$4096:${salt}$${keys(20)}`, /SCRAM-SHA-256 or SCRAM-SHA-512 and/],
    [`toString$4096:${salt}$${keys(20)}`, /SCRAM-SHA-256 or SCRAM-SHA-512 and/],
    [`SCRAM-SHA-256$4095:${salt}$${keys(32)}`, /it has 4095 iterations, 4096 to 1000000 are expected$/],
    [`SCRAM-SHA-256$1000001:${salt}$${keys(32)}`, /it has 1000001 iterations/],
    [`SCRAM-SHA-256$4096:AQI=$${keys(32)}`, /a salt of 8 to 64 bytes in Base64 is expected$/],
    [`SCRAM-SHA-256$4096:${salt.slice(1)}$${keys(32)}`, /a salt of 8 to 64 bytes in Base64 is expected$/],
    [`SCRAM-SHA-256$4096:${salt}$${keys(64)}`, /keys of 32 bytes in Base64 are expected$/],
    [`SCRAM-SHA-512$4096:${salt}$${keys(32)}`, /keys of 64 bytes in Base64 are expected$/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => parseScramCredential(text), { code: 'scram', message }, text);
    assert.throws(
      () => parseScramCredential(text),
      (error: Error) => !error.message.includes('hunter2'),
    );
  }
});

test('text that SASLprep would change or forbid is refused', async () => {
  for (const text of ['user', 'a b', 'pässwörd', 'キー', 'a,b=c'])
    assert.equal(scramTextProblem(text), undefined, text);
  const wrong = [
    '',
    'a\0',
    'a\n',
    'I\u00adX',
    'a\u200b',
    'a\u00a0b',
    '\u00aa',
    '\u2168',
    'a\u0308',
    '\ue000',
    '\ud800',
  ];
  for (const text of wrong) assert.equal(typeof scramTextProblem(text), 'string', JSON.stringify(text));
  await assert.rejects(writeScramCredential('I\u00adX', 'SCRAM-SHA-256'), { code: 'scram' });
});
