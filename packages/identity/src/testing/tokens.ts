/** Keys, key sets and signed tokens, for the tests beside what checks them. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type JWTPayload, SignJWT } from 'jose';
import type { TokenAlgorithm } from '../token-keys.ts';

export interface TestKeys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

/** A new pair for an algorithm. */
export function testKeys(algorithm: TokenAlgorithm): TestKeys {
  if (algorithm.startsWith('ES')) {
    const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
    return generateKeyPairSync('ec', { namedCurve: curves[algorithm] });
  }
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

/** The public key as an entry of a key set. */
export function testJwk({ publicKey }: TestKeys, kid: string): object {
  return { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' };
}

/** The public key in PEM. */
export function testPem({ publicKey }: TestKeys): string {
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

/** A signed token; `kid` in its header where one is given. */
export function signed(
  payload: JWTPayload,
  alg: TokenAlgorithm,
  key: KeyObject | Uint8Array,
  kid?: string,
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);
}

/** Writes a file into a directory that ends with the test; returns its path. */
export function testFile(context: TestContext, name: string, content: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'dunlin-identity-'));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}
