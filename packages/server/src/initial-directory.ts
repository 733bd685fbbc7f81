/** Makes the directory of a new server: configuration, authority, certificate, first user, rules, a place for data. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { isServerName } from '@dunlin/devices/configuration';
import { CertificateFileError, hashPassword, NamedFileError, userProblem } from '@dunlin/identity';
import type { InitialAuthorityOptions } from './initial-authorities.ts';
import { INITIAL_FILES, initialConfiguration, initialPasswords, initialRules } from './initial-texts.ts';

export interface InitialOptions extends InitialAuthorityOptions {
  /** Must not exist, or be empty; the folder that it is in must exist. */
  readonly directory: string;
  /** Name and password of the first user, who may do everything. */
  readonly user: string;
  readonly password: string;
  /** DNS names and IP addresses that the certificate is for, besides those of this machine. */
  readonly names: readonly string[];
  /** Of the TLS listener on all interfaces; 0 takes a free one at each start. */
  readonly tlsPort: number;
  /** Of the listener on loopback without TLS; 0 as above. */
  readonly port: number;
  /** File that is made for the master key, outside of the data. Default: beside the configuration. */
  readonly masterKeyFile?: string | undefined;
}

/** What was made; paths are absolute. */
export interface InitialDirectory {
  readonly directory: string;
  /** Of an authority of devices that was brought along without `devicesRootKey`, and `devicesRoot` where it came alone. */
  readonly files: { readonly [name in Exclude<InitialFile, RootFile>]: string } & {
    readonly [name in RootFile]?: string;
  };
  /** What the certificate of the server is for. */
  readonly names: readonly string[];
}

type InitialFile = keyof typeof INITIAL_FILES;
type RootFile = 'devicesRoot' | 'devicesRootKey';

/** Nothing was made; the message says why. */
export class InitialDirectoryError extends Error {
  override readonly name = 'InitialDirectoryError';
}

const ENTRIES_SHOWN_MAX = 3;
const SECRET = 0o600;
const PUBLIC = 0o644;

/**
 * Makes everything, or nothing: it is made in a temporary folder and then moved to its place. Keys are ECDSA P-256. Keys,
 * password file and data can be read by nobody but the user who runs it.
 *
 * @throws InitialDirectoryError where something is there already, the file system refuses, or an authority that was brought
 *   along cannot be used
 * @throws TypeError where user, password or a name cannot be used
 */
export async function makeInitialDirectory(options: InitialOptions): Promise<InitialDirectory> {
  const { user, password } = options;
  const problem = userProblem(user);
  if (problem !== undefined) throw new TypeError(`Cannot use the user ${JSON.stringify(user)}: ${problem}`);
  if (password === '') throw new TypeError('Cannot use the password: it is empty, at least one character is expected');
  const directory = resolve(options.directory);
  const isThere = checkFree(directory);
  const machine = thisMachine();
  const names = [...new Set([...options.names, ...machine.names])];
  const masterKey = options.masterKeyFile === undefined ? undefined : resolve(options.masterKeyFile);
  if (masterKey !== undefined) checkMasterKeyPlace(masterKey, directory);
  const settings = {
    ...options,
    host: machine.hasIpv6 ? '::' : '0.0.0.0',
    masterKey: masterKey ?? INITIAL_FILES.masterKey,
  };
  const made = await authoritiesOf(options, names, directory);
  const texts = [
    [INITIAL_FILES.authority, PUBLIC, made.own.certificate],
    [INITIAL_FILES.authorityKey, SECRET, made.own.key],
    [INITIAL_FILES.certificate, PUBLIC, made.server.certificate],
    [INITIAL_FILES.key, SECRET, made.server.key],
    [INITIAL_FILES.devicesAuthority, PUBLIC, made.devices.certificate],
    [INITIAL_FILES.devicesAuthorityKey, SECRET, made.devices.key],
    ...(made.devicesRoot === undefined ? [] : [[INITIAL_FILES.devicesRoot, PUBLIC, made.devicesRoot] as const]),
    ...(made.devicesRootKey === undefined
      ? []
      : [[INITIAL_FILES.devicesRootKey, SECRET, made.devicesRootKey] as const]),
    ...(masterKey === undefined ? [[INITIAL_FILES.masterKey, SECRET, made.masterKey] as const] : []),
    [INITIAL_FILES.passwords, SECRET, initialPasswords(settings, await hashPassword(Buffer.from(password)))],
    [INITIAL_FILES.rules, PUBLIC, initialRules(settings)],
    [INITIAL_FILES.configuration, PUBLIC, initialConfiguration(settings)],
  ] as const;
  let unready: string | undefined;
  let keyMade: string | undefined;
  try {
    if (masterKey !== undefined) {
      writeFileSync(masterKey, made.masterKey, { mode: SECRET, flag: 'wx', flush: true });
      keyMade = masterKey;
    }
    unready = mkdtempSync(isThere ? join(directory, '.new-') : join(dirname(directory), `.${basename(directory)}-`));
    for (const folder of [INITIAL_FILES.data, dirname(INITIAL_FILES.key)]) mkdirSync(join(unready, folder), 0o700);
    for (const [file, mode, text] of texts) writeFileSync(join(unready, file), text, { mode, flag: 'wx', flush: true });
    if (isThere) moveEntries(unready, directory);
    else renameSync(unready, directory);
  } catch (error) {
    if (unready !== undefined) rmSync(unready, { recursive: true, force: true });
    if (keyMade !== undefined) rmSync(keyMade);
    const place = masterKey !== undefined && keyMade === undefined ? masterKey : directory;
    throw new InitialDirectoryError(`Cannot make ${place}: ${reasonOf(error as NodeJS.ErrnoException, place)}`);
  }
  const { devicesRoot, devicesRootKey, ...always } = INITIAL_FILES;
  const paths = {
    ...always,
    ...(made.devicesRoot !== undefined && { devicesRoot }),
    ...(made.devicesRootKey !== undefined && { devicesRootKey }),
    ...(masterKey !== undefined && { masterKey }),
  };
  const files = Object.fromEntries(
    Object.entries(paths).map(([name, path]) => [name, resolve(directory, path)]),
  ) as InitialDirectory['files'];
  return { directory, files, names };
}

/** @throws InitialDirectoryError where something is there, or it would be moved together with what it opens */
function checkMasterKeyPlace(file: string, directory: string): void {
  const cannot = (what: string) => new InitialDirectoryError(`Cannot make the master key ${file}: ${what}`);
  if (statSync(file, { throwIfNoEntry: false }) !== undefined)
    throw cannot('something is there already; a new file is expected');
  const inside = relative(directory, file);
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside))
    throw cannot(
      `it is in ${directory}, which is made anew; a place outside is expected, or none for the one beside the configuration`,
    );
}

async function authoritiesOf(options: InitialOptions, names: readonly string[], directory: string) {
  try {
    // Loaded when asked for: a server that runs makes none.
    return (await import('./initial-authorities.ts')).initialAuthorities(options, names);
  } catch (error) {
    if (!(error instanceof CertificateFileError || error instanceof NamedFileError)) throw error;
    throw new InitialDirectoryError(`Cannot make ${directory}: ${error.message}`);
  }
}

/** Whether the directory is there, and empty then. @throws InitialDirectoryError where something is in its place */
function checkFree(directory: string): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const expected = 'a new folder, or an empty one, is expected';
  if (!found.isDirectory()) throw new InitialDirectoryError(`Cannot make ${directory}: a file is there; ${expected}`);
  const entries = readdirSync(directory).sort();
  if (entries.length === 0) return true;
  const shown = entries.slice(0, ENTRIES_SHOWN_MAX).map((entry) => JSON.stringify(entry));
  if (entries.length > shown.length) shown.push(`and ${entries.length - shown.length} more`);
  throw new InitialDirectoryError(`Cannot make ${directory}: it holds ${shown.join(', ')}; ${expected}`);
}

/**
 * All of them or none. The directory itself stays: it may be one where a file system is mounted, the only one that this
 * user may write to, or the one that a shell stands in.
 */
function moveEntries(from: string, to: string): void {
  const moved: string[] = [];
  try {
    for (const entry of readdirSync(from, { withFileTypes: true })) {
      const place = join(to, entry.name);
      // A place of our own is taken first: what somebody else has made there meanwhile is neither replaced nor removed.
      if (entry.isDirectory()) mkdirSync(place);
      else writeFileSync(place, '', { flag: 'wx', mode: SECRET });
      moved.push(place);
      renameSync(join(from, entry.name), place);
    }
    rmdirSync(from);
  } catch (error) {
    for (const path of moved) rmSync(path, { recursive: true });
    throw error;
  }
}

/** Names and addresses by which clients may know this machine. */
function thisMachine(): { readonly names: readonly string[]; readonly hasIpv6: boolean } {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outside = addresses.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
  // A host may be called what no certificate can say.
  const names = [hostname().toLowerCase(), 'localhost', '127.0.0.1', '::1', ...outside].filter(isServerName);
  return { names, hasIpv6: addresses.some(({ family }) => family === 'IPv6') };
}

function reasonOf({ code, message }: NodeJS.ErrnoException, directory: string): string {
  switch (code) {
    case 'ENOENT':
      return `there is no folder ${dirname(directory)}`;
    case 'EACCES':
      return `this user may not write to ${dirname(directory)} or ${directory}`;
    case 'ENOTEMPTY':
    case 'EEXIST':
      return 'somebody else made it meanwhile';
    default:
      return message;
  }
}
