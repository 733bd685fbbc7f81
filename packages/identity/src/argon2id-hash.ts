/** argon2id in PHC form, `$argon2id$v=19$m=…,t=…,p=…$salt$hash`: what Dunlin writes, as Mosquitto 2.1 does. */
import { type Argon2Parameters, argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { readUnpaddedBase64, unpaddedBase64 } from './base64.ts';
import { hashBytes, hashError, hashNumber, type PasswordHash } from './password-hash.ts';

const compute = promisify(argon2);

/** OWASP's recommendation where memory is dear: 19 MiB, two passes, one lane. 25 ms of one core. */
const WRITTEN = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** KiB: 256 MiB, since as many hashes are computed at once as there are cores. */
const MEMORY_MAX = 262_144;
/** Memory times passes, in KiB: 1 GiB to fill, one second. */
const WORK_MAX = 1_048_576;
const LANES_MAX = 16;

export function parseArgon2idHash(text: string): PasswordHash {
  const found = /^\$argon2id\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) throw hashError('$argon2id$v=19$m=…,t=…,p=…$salt$hash is expected');
  if (found[1] !== '19') throw hashError(`its version is ${found[1]}, 19 is expected`);
  const parallelism = hashNumber('p', found[4], 1, LANES_MAX);
  const memory = hashNumber('m', found[2], 8 * parallelism, MEMORY_MAX);
  const passes = hashNumber('t', found[3], 1, Math.floor(WORK_MAX / memory));
  const nonce = hashBytes('salt', readUnpaddedBase64(found[5]), 8, 64);
  const tag = hashBytes('hash', readUnpaddedBase64(found[6]), 16, 64);
  return {
    text,
    matches: async (message) =>
      timingSafeEqual(await tagOf({ message, nonce, memory, passes, parallelism, tagLength: tag.length }), tag),
  };
}

export async function writeArgon2idHash(message: Uint8Array): Promise<string> {
  const nonce = randomBytes(SALT_BYTES);
  const tag = await tagOf({ message, nonce, ...WRITTEN, tagLength: TAG_BYTES });
  const { memory, passes, parallelism } = WRITTEN;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpaddedBase64(nonce)}$${unpaddedBase64(tag)}`;
}

function tagOf(parameters: Argon2Parameters): Promise<Buffer> {
  return compute('argon2id', parameters);
}
