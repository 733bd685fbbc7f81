/** What is kept of the tokens of a device, and what is shown of them: never the token, and of its hash nothing. */
import { hash, randomBytes } from 'node:crypto';

/** Bytes of UTF-8 of the longest token that is read. */
export const TOKEN_BYTES_MAX = 4_096;
/** Imported tokens below are hashed so that guessing them is dear; those of this many bytes nobody guesses. */
export const LONG_TOKEN_BYTES = 32;

const DIGEST_BYTES = 32;
const NONE = new Uint8Array(DIGEST_BYTES);

export interface StoredToken {
  /** Unique within its device. */
  readonly id: string;
  /** For people; may be empty. */
  readonly label: string;
  /** Wall clock. */
  readonly createdAtMs: number;
  /** Absent: it never does. */
  readonly expiresAtMs?: number;
  /** When it gives way to the one that was made in its place; absent where none was. */
  readonly overlapEndsAtMs?: number;
  /** SHA-256 in base64url of a token that nobody guesses, or argon2id in PHC form of a short one. */
  readonly hash: string;
}

export interface StoredTokens {
  /** Of the device that they are bound to. */
  readonly generation: string;
  readonly tokens: readonly StoredToken[];
}

/** What anybody may see of a token. */
export interface TokenInfo extends Pick<StoredToken, 'id' | 'label' | 'createdAtMs'> {
  /** Wall clock, exact to a minute; absent: never, or nobody asked. */
  readonly lastUsedAtMs?: number;
  /** Wall clock at which it counts no longer; Infinity for never. */
  readonly endsAtMs: number;
  readonly hash: 'sha256' | 'argon2id';
}

export function tokenInfo(token: StoredToken, lastUsedAtMs?: number): TokenInfo {
  const { id, label, createdAtMs } = token;
  const used = lastUsedAtMs !== undefined && { lastUsedAtMs };
  return { id, label, createdAtMs, ...used, endsAtMs: endOf(token), hash: isShort(token) ? 'argon2id' : 'sha256' };
}

/** Whether it is one that could be guessed. */
export function isShort(token: StoredToken): boolean {
  return token.hash.startsWith('$');
}

export function endOf({ expiresAtMs = Infinity, overlapEndsAtMs = Infinity }: StoredToken): number {
  return Math.min(expiresAtMs, overlapEndsAtMs);
}

/** `dt_` and 192 random bits. */
export function newToken(): string {
  return `dt_${randomBytes(24).toString('base64url')}`;
}

export function newTokenId(taken: readonly StoredToken[]): string {
  for (;;) {
    const id = randomBytes(6).toString('base64url');
    if (!taken.some((token) => token.id === id)) return id;
  }
}

export function digestOf(token: Uint8Array | string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** The digests of the tokens and others in their place, `count` at least, so that comparing tells nothing of their number. */
export function paddedDigests(tokens: readonly StoredToken[], count: number): readonly Uint8Array[] {
  const digests: Uint8Array[] = tokens.map((token) => (isShort(token) ? NONE : storedDigest(token)));
  while (digests.length < count) digests.push(NONE);
  return digests;
}

function storedDigest({ hash: text }: StoredToken): Uint8Array {
  const digest = Buffer.from(text, 'base64url');
  return digest.length === DIGEST_BYTES ? digest : NONE;
}
