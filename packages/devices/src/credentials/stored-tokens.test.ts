import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, newToken, paddedDigests, type StoredToken, tokenInfo } from './stored-tokens.ts';

const stored: StoredToken = {
  id: 't1',
  label: '',
  createdAtMs: 1,
  expiresAtMs: 90,
  overlapEndsAtMs: 70,
  hash: digestOf('secret').toString('base64url'),
};

test('makes tokens of 192 random bits', () => {
  const tokens = new Set(Array.from({ length: 1_000 }, newToken));
  assert.equal(tokens.size, 1_000);
  for (const token of tokens) assert.match(token, /^dt_[\w-]{32}$/);
});

test('shows nothing of a token but what it is called and when it counts', () => {
  const info = { id: 't1', label: '', createdAtMs: 1, hash: 'sha256', endsAtMs: 70 };
  assert.deepEqual(tokenInfo(stored), info);
  assert.deepEqual(tokenInfo(stored, 5), { ...info, lastUsedAtMs: 5 });
  assert.equal(tokenInfo({ ...stored, hash: '$argon2id$…' }).hash, 'argon2id');
});

test('compares with as many digests, whatever the device has', () => {
  for (const count of [0, 1, 8]) {
    const digests = paddedDigests(
      Array.from({ length: count }, () => stored),
      8,
    );
    assert.equal(digests.length, 8);
    assert.ok(digests.every((digest) => digest.length === 32));
  }
  assert.deepEqual([...paddedDigests([stored], 8)[0]], [...digestOf('secret')]);
  for (const hash of ['$argon2id$…', 'damaged'])
    assert.deepEqual([...paddedDigests([{ ...stored, hash }], 8)[0]], new Array(32).fill(0));
});
