/** Mosquitto's `$7$iterations$salt$hash`: PBKDF2 with SHA-512, as mosquitto_passwd writes it since 2.0. */
import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { readBase64 } from './base64.ts';
import { hashBytes, hashError, hashNumber, type PasswordHash } from './password-hash.ts';

const compute = promisify(pbkdf2);

const ITERATIONS_MAX = 1_000_000;
const TAG_BYTES = 64;
const SALT_BYTES_MAX = 64;

/**
 * A hundred times what mosquitto_passwd 2.0 writes, and less than is recommended, since Mosquitto computes it on the
 * thread that serves everybody: 5 ms.
 */
const ITERATIONS_WRITTEN = 10_000;
/** Mosquitto 2.0 takes no other number. */
const SALT_BYTES_WRITTEN = 12;

export function parsePbkdf2Hash(text: string): PasswordHash {
  const found = /^\$7\$(\d+)\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) throw hashError('$7$iterations$salt$hash is expected');
  const iterations = hashNumber('the number of iterations', found[1], 1, ITERATIONS_MAX);
  const salt = hashBytes('salt', readBase64(found[2]), 1, SALT_BYTES_MAX);
  const tag = hashBytes('hash', readBase64(found[3]), TAG_BYTES, TAG_BYTES);
  return {
    text,
    matches: async (password) => timingSafeEqual(await compute(password, salt, iterations, TAG_BYTES, 'sha512'), tag),
  };
}

export async function writePbkdf2Hash(password: Uint8Array): Promise<string> {
  const salt = randomBytes(SALT_BYTES_WRITTEN);
  const tag = await compute(password, salt, ITERATIONS_WRITTEN, TAG_BYTES, 'sha512');
  return `$7$${ITERATIONS_WRITTEN}$${salt.toString('base64')}$${tag.toString('base64')}`;
}
