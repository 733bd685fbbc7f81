import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importJWK, type JWK } from 'jose';
import { jwkFingerprint, keyFingerprint } from './key-fingerprint.ts';
import { testJwk, testKeys } from './testing/tokens.ts';
import { TOKEN_ALGORITHMS } from './token-keys.ts';

test('a public key has one fingerprint, whatever its form and kid, and another one than any other key', async () => {
  const seen = new Set<string>();
  const algorithms = TOKEN_ALGORITHMS.filter((one) => !one.startsWith('HS'));
  for (const algorithm of algorithms) {
    const keys = testKeys(algorithm);
    const imported = await importJWK(testJwk(keys, 'a') as JWK, algorithm);
    assert(!(imported instanceof Uint8Array));
    const fingerprint = keyFingerprint(imported);
    assert.equal(jwkFingerprint(testJwk(keys, 'b') as JWK), fingerprint, algorithm);
    seen.add(fingerprint);
  }
  assert.equal(seen.size, algorithms.length);
});

test('secrets have fingerprints by their bytes', () => {
  assert.equal(keyFingerprint(Buffer.alloc(32, 1)), keyFingerprint(new Uint8Array(32).fill(1)));
  assert.notEqual(keyFingerprint(Buffer.alloc(32, 1)), keyFingerprint(Buffer.alloc(32, 2)));
});

test('an entry of a kind that is not known has none', () => {
  assert.equal(jwkFingerprint({ kty: 'new', x: 'y' }), undefined);
});
