/** The file of saved profiles: flags of a client by name, which `--profile` brings back. */

import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import type { Document } from 'yaml';
import { localError, usageError } from './exit-codes.ts';
import { systemReason } from './system-reason.ts';

/** Flags by their long names; `true` for a switch. */
export type Profile = Readonly<Record<string, string | true>>;

/** What the file holds. */
export interface Profiles {
  /** Used where no server is named. */
  readonly default: string | undefined;
  readonly byName: ReadonlyMap<string, Profile>;
}

const NONE: Profiles = { default: undefined, byName: new Map() };
const BYTES_MAX = 1024 * 1024;
const NAME = /^[\w.-]{1,64}$/;
const OTHERS = 0o077;

/** Loaded when there is a file: most runs start faster without it. */
const yaml = (): typeof import('yaml') => createRequire(import.meta.url)('yaml');

/** `$DUNLIN_PROFILES`, else `dunlin/profiles.yaml` in `$XDG_CONFIG_HOME` or `~/.config`; undefined without a home. */
export function profilesFile(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { DUNLIN_PROFILES: named, XDG_CONFIG_HOME: config, HOME: home } = environment;
  if (named) return named;
  // The XDG specification has relative paths ignored.
  if (config && isAbsolute(config)) return join(config, 'dunlin', 'profiles.yaml');
  return home ? join(home, '.config', 'dunlin', 'profiles.yaml') : undefined;
}

/**
 * Reads the file; one that is not there holds nothing. Throws a local error where it cannot be read, is not right, or
 * holds passwords that others may read.
 */
export function readProfiles(file: string): Profiles {
  const text = textOf(file);
  if (text === undefined) return NONE;
  const profiles = profilesOf(file, parsed(file, text));
  checkRights(file, profiles);
  return profiles;
}

/** True where the profile holds a password. */
export function hasSecret({ pw, url }: Profile): boolean {
  return pw !== undefined || (typeof url === 'string' && /\/\/[^@/]*:[^@/]*@/.test(url));
}

/**
 * Puts a profile into the file, in place of one with its name; comments stay. Gives what the file held before. Throws as
 * `readProfiles` does.
 */
export async function saveProfile(file: string, name: string, profile: Profile, isDefault: boolean): Promise<Profiles> {
  checkName(name);
  const before = readProfiles(file);
  await change(file, (document) => {
    document.setIn(['profiles', name], document.createNode(profile));
    if (isDefault) document.set('default', name);
  });
  return before;
}

/** Takes a profile out of the file; false where there was none. Throws as `readProfiles` does. */
export async function removeProfile(file: string, name: string): Promise<boolean> {
  const { byName, default: chosen } = readProfiles(file);
  if (!byName.has(name)) return false;
  await change(file, (document) => {
    document.deleteIn(['profiles', name]);
    if (chosen === name) document.delete('default');
  });
  return true;
}

/** Throws a usage error for a name that cannot be one. */
export function checkName(name: string): void {
  if (!NAME.test(name)) throw usageError(`Cannot name a profile "${name}": expected letters, digits, "-", "_" and "."`);
}

async function change(file: string, edit: (document: Document) => void): Promise<void> {
  readProfiles(file);
  const document = yaml().parseDocument(textOf(file) ?? '') as Document;
  if (document.contents === null) document.contents = document.createNode({ profiles: {} });
  edit(document);
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const { replaceFile } = await import('@dunlin/identity');
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    replaceFile(file, document.toString());
  } catch (error) {
    throw localError(`Cannot write ${file}: ${systemReason(error)}`);
  }
}

function textOf(file: string): string | undefined {
  try {
    const { size } = statSync(file);
    if (size > BYTES_MAX) throw new Error(`it has ${size} bytes, at most ${BYTES_MAX} are expected`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw localError(`Cannot read ${file}: ${systemReason(error)}`);
  }
}

function parsed(file: string, text: string): unknown {
  const document = yaml().parseDocument(text);
  const [error] = document.errors;
  // The message of the library may show the lines around the fault, and a password in them.
  if (error !== undefined) throw wrong(file, `line ${error.linePos?.[0].line ?? 1} is no YAML (${error.code})`);
  return document.toJS({ maxAliasCount: 0 });
}

function profilesOf(file: string, content: unknown): Profiles {
  if (content === null) return NONE;
  if (!isMap(content)) throw wrong(file, 'expected a mapping with "default" and "profiles"');
  const { default: chosen, profiles = {}, ...others } = content;
  const [other] = Object.keys(others);
  if (other !== undefined) throw wrong(file, `"${other}" is unknown, expected "default" and "profiles"`);
  if (!isMap(profiles)) throw wrong(file, 'expected "profiles" to be a mapping of names');
  const byName = new Map(Object.entries(profiles).map(([name, flags]) => [name, profileOf(file, name, flags)]));
  if (chosen !== undefined && !(typeof chosen === 'string' && byName.has(chosen))) {
    throw wrong(file, 'expected "default" to be the name of a profile');
  }
  return { default: chosen, byName };
}

function profileOf(file: string, name: string, flags: unknown): Profile {
  if (!isMap(flags)) throw wrong(file, `expected profile "${name}" to be a mapping of flags`);
  const known = ([, value]: [string, unknown]): boolean =>
    ['string', 'number'].includes(typeof value) || value === true;
  const odd = Object.entries(flags).find((entry) => !known(entry));
  if (odd !== undefined) throw wrong(file, `expected "${odd[0]}" of profile "${name}" to be a text, a number or true`);
  return Object.fromEntries(
    Object.entries(flags).map(([flag, value]) => [flag, value === true ? true : String(value)] as const),
  );
}

function checkRights(file: string, { byName }: Profiles): void {
  if (process.platform === 'win32' || ![...byName.values()].some(hasSecret)) return;
  const { mode } = statSync(file);
  if ((mode & OTHERS) === 0) return;
  const found = (mode & 0o777).toString(8).padStart(4, '0');
  throw localError(
    `Cannot use the profiles of ${file}: it holds passwords and others may read it (mode ${found}), 0600 is expected\n` +
      `chmod 600 ${file} makes it so.`,
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(file: string, why: string): Error {
  return localError(`Cannot use the profiles of ${file}: ${why}`);
}
