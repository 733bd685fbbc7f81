import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, newToken, paddedDigests, type StoredToken, tokenInfo } from './stored-tokens.ts';

const stored: StoredToken = {
  id: 't1',
  label: '',
  createdAtMs: 1,
  expiresAtMs: 90,
  overlapEndsAtMs: 70,
  lastUsedAtMs: undefined,
  hash: digestOf('secret'),
};

test('makes tokens of 192 random bits', () => {
  const tokens = new Set(Array.from({ length: 1_000 }, newToken));
  assert.equal(tokens.size, 1_000);
  for (const token of tokens) assert.match(token, /^dt_[\w-]{32}$/);
});

test('shows nothing of a token but what it is called and when it counts', () => {
  assert.deepEqual(tokenInfo(stored), { ...stored, hash: 'sha256', endsAtMs: 70 });
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
  assert.notDeepEqual(paddedDigests([{ ...stored, hash: '$argon2id$…' }], 8)[0], stored.hash);
});
