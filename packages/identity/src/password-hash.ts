/** Password hashes: every format that is read, by its prefix, and those that are written. */
import { parseArgon2idHash, writeArgon2idHash } from './argon2id-hash.ts';
import { parsePbkdf2Hash, writePbkdf2Hash } from './pbkdf2-hash.ts';
import { parseSha512Hash } from './sha512-hash.ts';

/** A hash that was read and found good. */
export interface PasswordHash {
  /** As it stands in a file or a configuration. */
  readonly text: string;
  /**
   * Whether the password is the one hashed. Costs what the parameters say, on a thread of libuv's pool but for `$6$`,
   * which costs nothing worth a thread. The comparison takes the same time wherever the difference is.
   */
  matches(password: Uint8Array): Promise<boolean>;
}

/** A text is no hash that can be used. The message repeats nothing of it, since it may be a password. */
export class PasswordHashError extends Error {
  override readonly name = 'PasswordHashError';
  readonly code = 'password-hash';
}

/** Formats that are written: `argon2id`, and `mosquitto` for files that Mosquitto 1.6 to 2.0 is to read as well. */
export type WrittenFormat = 'argon2id' | 'mosquitto';

/** No good hash is longer, in characters. */
const HASH_LENGTH_MAX = 512;

const FORMATS: readonly (readonly [prefix: string, parse: (text: string) => PasswordHash])[] = [
  ['$argon2id$', parseArgon2idHash],
  ['$7$', parsePbkdf2Hash],
  ['$6$', parseSha512Hash],
];

/**
 * Reads a hash: argon2id in PHC form, or Mosquitto's `$7$` (PBKDF2) and `$6$` (salted SHA-512).
 *
 * Throws a `PasswordHashError` for anything else and for parameters that would cost too much or protect nothing.
 */
export function parseHash(text: string): PasswordHash {
  if (text.length > HASH_LENGTH_MAX)
    throw hashError(`it has ${text.length} characters, at most ${HASH_LENGTH_MAX} are expected`);
  const format = FORMATS.find(([prefix]) => text.startsWith(prefix));
  if (format === undefined) {
    const prefixes = FORMATS.map(([prefix]) => prefix).join(', ');
    throw hashError(`it is no hash, one that begins with ${prefixes} is expected; dunlin passwd --hash makes one`);
  }
  return format[1](text);
}

/** A new hash of the password with a salt of its own. */
export function hashPassword(password: Uint8Array, format: WrittenFormat = 'argon2id'): Promise<string> {
  return format === 'mosquitto' ? writePbkdf2Hash(password) : writeArgon2idHash(password);
}

export function hashError(why: string): PasswordHashError {
  return new PasswordHashError(`Cannot use the password hash: ${why}`);
}

/** The number within its range, or an error that says what was found. `text` is digits only. */
export function hashNumber(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (value >= minimum && value <= maximum) return value;
  throw hashError(`${name} is ${text}, ${minimum} to ${maximum} is expected`);
}

/** The bytes if they are there and as many as allowed, or an error. */
export function hashBytes(name: string, bytes: Buffer | undefined, minimum: number, maximum: number): Buffer {
  if (bytes === undefined) throw hashError(`the ${name} is not Base64 as it is expected`);
  if (bytes.length >= minimum && bytes.length <= maximum) return bytes;
  const expected = minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`;
  throw hashError(`the ${name} has ${bytes.length} bytes, ${expected} are expected`);
}
