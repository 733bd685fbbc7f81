/** The keys by which tokens are checked: secrets, public keys and key sets, each for its own family of algorithms. */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Clock } from '@dunlin/broker';
import { type CryptoKey, createLocalJWKSet, errors, type JSONWebKeySet, type JWK } from 'jose';
import { parseJson } from './json-service.ts';
import { jwkFingerprint, keyFingerprint } from './key-fingerprint.ts';
import type { TellMethodEvent } from './method-events.ts';
import { type LocalKeySet, type RemoteKeySet, type RemoteKeySetOptions, remoteKeySet } from './remote-key-set.ts';

/** Algorithms that can be allowed; `none` is not among them. */
export const TOKEN_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type TokenAlgorithm = (typeof TOKEN_ALGORITHMS)[number];

/** Where keys come from. */
export type TokenKey =
  /** For HS256, HS384 and HS512, as long as the digest at least: 32, 48 or 64 bytes. */
  | { readonly secret: Uint8Array }
  /** PEM, one or more: public keys or certificates, of which only the key counts. For every `kid`. */
  | { readonly publicKeyFile: string }
  /** A JSON Web Key Set of public keys. */
  | { readonly keySetFile: string }
  | RemoteKeySetOptions;

/** What a token says of the key that signed it. */
export interface TokenHeader {
  readonly alg: TokenAlgorithm;
  readonly kid: string | undefined;
}

export interface TokenKeys {
  /**
   * The keys that may have signed a token, 16 at the most: secrets for HS, public keys of the right kind for everything
   * else, so that no public key is ever taken for a secret. Rejects where keys cannot be fetched and none is at hand.
   */
  candidates(header: TokenHeader): Promise<readonly (Uint8Array | CryptoKey)[]>;
  /** Whether a key is still among those that count: of a key set by URL, those that were fetched last. */
  holds(fingerprint: string): boolean;
  /**
   * Reads files again; what it returns puts these sources, for the same algorithms, in force. What was fetched from a URL
   * that is still among them goes on. Throws where one cannot be used.
   */
  prepareReload(sources: readonly TokenKey[]): () => void;
  close(): void;
}

const CANDIDATES_MAX = 16;
const RSA_BITS_MIN = 2048;
const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** A key set of a file; `isForEveryKid` where its keys have no `kid`. */
interface FileKeys {
  readonly set: LocalKeySet;
  readonly isForEveryKid: boolean;
}

/** What sources make. */
interface Keys {
  readonly secrets: readonly Uint8Array[];
  readonly files: readonly FileKeys[];
  /** By their URL. */
  readonly remotes: ReadonlyMap<string, RemoteKeySet>;
}

/** Makes the keys and reads the files. Throws an `Error` that names the file and what is expected. */
export function tokenKeys(
  sources: readonly TokenKey[],
  algorithms: readonly TokenAlgorithm[],
  context: { readonly method: string; readonly clock: Clock; readonly tell: TellMethodEvent },
): TokenKeys {
  const { method, clock, tell } = context;
  const read = (given: readonly TokenKey[], known: Keys['remotes']): Keys => {
    const secrets = given.flatMap((source) => ('secret' in source ? [source.secret] : []));
    checkFamilies(given, secrets, algorithms);
    const urls = given.filter((source) => 'keySetUrl' in source);
    const remotes = urls.map((source): [string, RemoteKeySet] => [
      source.keySetUrl,
      known.get(source.keySetUrl) ?? remoteKeySet(source, method, clock, tell),
    ]);
    return { secrets, files: given.flatMap(fileKeys), remotes: new Map(remotes) };
  };
  let keys = read(sources, new Map());
  return {
    candidates: async (header) => {
      const { secrets, files, remotes } = keys;
      if (header.alg.startsWith('HS')) return secrets.slice(0, CANDIDATES_MAX);
      const found: CryptoKey[] = [];
      for (const { set, isForEveryKid } of files)
        found.push(...(await matching(set, isForEveryKid ? { ...header, kid: undefined } : header)));
      found.push(...(await remoteKeys([...remotes.values()], header, found.length > 0)));
      return found.slice(0, CANDIDATES_MAX);
    },
    holds: (fingerprint) => {
      const { secrets, files, remotes } = keys;
      const sets = [...files.map(({ set }) => set), ...[...remotes.values()].flatMap(({ last }) => last ?? [])];
      return (
        secrets.some((secret) => keyFingerprint(secret) === fingerprint) ||
        sets.some((set) => fingerprintsOf(set).has(fingerprint))
      );
    },
    prepareReload: (given) => {
      const next = read(given, keys.remotes);
      const updates = given.flatMap((source) =>
        'keySetUrl' in source ? (keys.remotes.get(source.keySetUrl)?.prepareReload(source) ?? []) : [],
      );
      return () => {
        for (const update of updates) update();
        for (const [url, remote] of keys.remotes) if (!next.remotes.has(url)) remote.close();
        keys = next;
      };
    },
    close: () => {
      for (const remote of keys.remotes.values()) remote.close();
    },
  };
}

const fingerprints = new WeakMap<LocalKeySet, ReadonlySet<string | undefined>>();

/** Computed when the first client is reviewed by them. */
function fingerprintsOf(set: LocalKeySet): ReadonlySet<string | undefined> {
  const found = fingerprints.get(set) ?? new Set(set.jwks().keys.map(jwkFingerprint));
  fingerprints.set(set, found);
  return found;
}

function checkFamilies(
  sources: readonly TokenKey[],
  secrets: readonly Uint8Array[],
  algorithms: readonly TokenAlgorithm[],
): void {
  const fail = (expected: string) => new Error(`Cannot use these keys for ${algorithms.join(', ')}: ${expected}`);
  if (algorithms.length === 0 || !algorithms.every((one) => TOKEN_ALGORITHMS.includes(one)))
    throw fail(`some of ${TOKEN_ALGORITHMS.join(', ')} are expected`);
  const digests = algorithms.filter((one) => one.startsWith('HS')).map((one) => Number(one.slice(2)) / 8);
  if (digests.length > 0 !== secrets.length > 0)
    throw fail('a secret is expected for HS256, HS384 and HS512, and only there');
  if (digests.length < algorithms.length !== secrets.length < sources.length)
    throw fail('a public key or key set is expected for RS, PS, ES and EdDSA, and only there');
  const bytes = Math.max(0, ...digests);
  if (secrets.some((secret) => secret.length < bytes)) throw fail(`a secret of ${bytes} bytes or more is expected`);
}

function fileKeys(source: TokenKey): FileKeys[] {
  if ('publicKeyFile' in source) return [{ set: readPem(source.publicKeyFile), isForEveryKid: true }];
  if ('keySetFile' in source) return [{ set: readKeySetFile(source.keySetFile), isForEveryKid: false }];
  return [];
}

function readPem(path: string): LocalKeySet {
  const fail = (expected: string) => new Error(`Cannot read the public key file "${path}": ${expected}`);
  const blocks = [...readFileSync(path, 'latin1').matchAll(PEM_BLOCK)];
  if (blocks.length === 0) throw fail('PEM with a public key or certificate is expected');
  const keys = blocks.map(([block, label]): JWK => {
    // Node would make the public key of it; but who has a private key here has put it where it does not belong.
    if (label.includes('PRIVATE')) throw fail('public keys are expected, a private key was found');
    try {
      return createPublicKey(block).export({ format: 'jwk' }) as JWK;
    } catch {
      throw fail(`a public key or certificate is expected, "${label}" cannot be read as one`);
    }
  });
  return keySet(keys, fail);
}

function readKeySetFile(path: string): LocalKeySet {
  const fail = (expected: string) => new Error(`Cannot read the key set file "${path}": ${expected}`);
  let value: unknown;
  try {
    value = parseJson(readFileSync(path));
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === undefined ? fail((error as Error).message) : error;
  }
  const keys = (value as Partial<JSONWebKeySet> | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) throw fail('{"keys": […]} with one key or more is expected');
  return keySet(keys, fail);
}

function keySet(keys: JWK[], fail: (expected: string) => Error): LocalKeySet {
  for (const { kty, n, d, k } of keys) {
    if (d !== undefined || k !== undefined) throw fail('public keys are expected, a private key or secret was found');
    const bits = typeof n === 'string' ? Buffer.from(n, 'base64url').length * 8 : 0;
    if (kty === 'RSA' && bits < RSA_BITS_MIN) throw fail(`RSA keys of ${RSA_BITS_MIN} bits or more are expected`);
  }
  try {
    return createLocalJWKSet({ keys });
  } catch {
    throw fail('JSON Web Keys are expected');
  }
}

/** From what was fetched; where nothing is found and `hasOthers` is false, after another fetch. */
async function remoteKeys(
  remotes: readonly RemoteKeySet[],
  header: TokenHeader,
  hasOthers: boolean,
): Promise<readonly CryptoKey[]> {
  const found: CryptoKey[] = [];
  for (const hasMissed of [false, true]) {
    const sets = await Promise.allSettled(remotes.map((remote) => remote.current(hasMissed)));
    for (const set of sets) if (set.status === 'fulfilled') found.push(...(await matching(set.value, header)));
    if (found.length > 0 || hasOthers) break;
    const failure = sets.find((set) => set.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }
  return found;
}

async function matching(set: LocalKeySet, header: TokenHeader): Promise<readonly CryptoKey[]> {
  const { alg, kid } = header;
  try {
    return [await set(kid === undefined ? { alg } : { alg, kid })];
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return [];
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    const several: CryptoKey[] = [];
    for await (const key of error) if (several.push(key) === CANDIDATES_MAX) break;
    return several;
  }
}
