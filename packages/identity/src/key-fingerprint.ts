/** What tells one key for tokens from another, whatever file or key set it came in, and in whatever form. */
import { createHash, createPublicKey, KeyObject } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';

/** Of a secret, or of a public key that can be exported. */
export function keyFingerprint(key: Uint8Array | CryptoKey): string {
  if (key instanceof Uint8Array) return digest('secret', key);
  return publicFingerprint(KeyObject.from(key as Parameters<typeof KeyObject.from>[0]));
}

/** Of an entry of a key set; undefined for one of a kind that is not known here, which checks no token. */
export function jwkFingerprint(key: JWK): string | undefined {
  try {
    return publicFingerprint(createPublicKey({ key: { ...key }, format: 'jwk' }));
  } catch {
    return undefined;
  }
}

function publicFingerprint(key: KeyObject): string {
  return digest('public', key.export({ type: 'spki', format: 'der' }));
}

function digest(kind: string, bytes: Uint8Array): string {
  return createHash('sha256').update(`${kind}\0`).update(bytes).digest('base64');
}
