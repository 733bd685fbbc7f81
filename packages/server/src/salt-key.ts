/** A secret of the data directory: what SCRAM makes the salts of unknown users from, the same before and after a restart. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Its name in the data directory. */
export const SALT_KEY_FILE = 'scram-salt-key';
const KEY_BYTES = 32;

/** Reads the key, or makes it where there is none that is whole. Throws the system's error where it cannot be kept. */
export function keptSaltKey(directory: string): Buffer {
  const path = join(directory, SALT_KEY_FILE);
  try {
    const kept = readFileSync(path);
    if (kept.length === KEY_BYTES) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = randomBytes(KEY_BYTES);
  writeFileSync(`${path}.new`, key, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return key;
}
