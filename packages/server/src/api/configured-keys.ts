/** API keys of the configuration: for a server whose tables are new with each start, and for whoever sets servers up by program. */
import { createHash } from 'node:crypto';
import { type ApiKeyConfiguration, ConfigurationError } from '../configuration.ts';
import { readConfiguredFile } from '../configured-file.ts';
import type { Scope } from './scopes.ts';

export interface ConfiguredKey {
  readonly name: string;
  /** Of the whole key, in lower-case hexadecimal. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}

/** What nobody can guess, though a hash of it is known: as `openssl rand -hex 32` prints it, or a key of the API. */
const KEY = /^[\x21-\x7e]{32,256}$/;

/** Reads the keys that stand in files. @throws ConfigurationError where one cannot be used, without a word of what is in it */
export function readConfiguredKeys(keys: readonly ApiKeyConfiguration[]): ConfiguredKey[] {
  return keys.map(({ name, sha256, file, scopes }, index) => ({
    name,
    scopes,
    sha256: file === undefined ? (sha256 as string).toLowerCase() : hashOfFile(file, `api.keys[${index}].file`),
  }));
}

function hashOfFile(file: string, path: string): string {
  const key = readConfiguredFile(file, 'an API key')
    .toString('latin1')
    .replace(/\r?\n$/, '');
  const hash = apiKeyHash(key);
  if (hash !== undefined) return hash;
  throw new ConfigurationError([
    `${path}: what ${file} holds is no API key: one line of 32 to 256 visible ASCII characters is expected`,
  ]);
}

/** What `api.keys[].sha256` says of a key; undefined for a text that is none: 32 to 256 visible ASCII characters are one. */
export function apiKeyHash(key: string): string | undefined {
  return KEY.test(key) ? createHash('sha256').update(key).digest('hex') : undefined;
}
