/** Mosquitto's `$6$salt$hash`: one SHA-512 of password and salt, as mosquitto_passwd wrote it before 2.0. Read only. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readBase64 } from './base64.ts';
import { hashBytes, hashError, type PasswordHash } from './password-hash.ts';

const TAG_BYTES = 64;
const SALT_BYTES_MAX = 64;

export function parseSha512Hash(text: string): PasswordHash {
  const found = /^\$6\$([^$]+)\$([^$]+)$/.exec(text);
  if (found === null) throw hashError('$6$salt$hash is expected');
  const salt = hashBytes('salt', readBase64(found[1]), 1, SALT_BYTES_MAX);
  const tag = hashBytes('hash', readBase64(found[2]), TAG_BYTES, TAG_BYTES);
  return {
    text,
    matches: async (password) => timingSafeEqual(createHash('sha512').update(password).update(salt).digest(), tag),
  };
}
