/** Makes the directory of a new server: configuration, authority, certificate, first user, rules, a place for data. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { createAuthority, isServerName, issueServerCertificate } from '@dunlin/devices';
import { hashPassword, userProblem } from '@dunlin/identity';
import { INITIAL_FILES, initialConfiguration, initialPasswords, initialRules } from './initial-texts.ts';

export interface InitialOptions {
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
  /** How long the certificate of the server is valid. */
  readonly days: number;
  /** The time now, in milliseconds since 1970. */
  readonly nowMs: number;
}

/** What was made; paths are absolute. */
export interface InitialDirectory {
  readonly directory: string;
  readonly files: { readonly [name in keyof typeof INITIAL_FILES]: string };
  /** What the certificate of the server is for. */
  readonly names: readonly string[];
}

/** Nothing was made; the message says why. */
export class InitialDirectoryError extends Error {
  override readonly name = 'InitialDirectoryError';
}

/** Of the authority: its certificate is in the hands of clients, so it should not change often. */
const AUTHORITY_DAYS = 3650;
const COMMON_NAME_MAX = 64;
const ENTRIES_SHOWN_MAX = 3;
const SECRET = 0o600;
const PUBLIC = 0o644;

/**
 * Makes everything, or nothing: it is made in a temporary folder and then moved to its place. Keys are ECDSA P-256. Keys,
 * password file and data can be read by nobody but the user who runs it.
 *
 * @throws InitialDirectoryError where something is there already, or the file system refuses
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
  const settings = { ...options, host: machine.hasIpv6 ? '::' : '0.0.0.0' };
  const texts = [
    ...certificates(options, names),
    [INITIAL_FILES.passwords, SECRET, initialPasswords(settings, await hashPassword(Buffer.from(password)))],
    [INITIAL_FILES.rules, PUBLIC, initialRules(settings)],
    [INITIAL_FILES.configuration, PUBLIC, initialConfiguration(settings)],
  ] as const;
  let unready: string | undefined;
  try {
    unready = mkdtempSync(isThere ? join(directory, '.new-') : join(dirname(directory), `.${basename(directory)}-`));
    for (const folder of [INITIAL_FILES.data, dirname(INITIAL_FILES.key)]) mkdirSync(join(unready, folder), 0o700);
    for (const [file, mode, text] of texts) writeFileSync(join(unready, file), text, { mode, flag: 'wx', flush: true });
    if (isThere) moveEntries(unready, directory);
    else renameSync(unready, directory);
  } catch (error) {
    if (unready !== undefined) rmSync(unready, { recursive: true, force: true });
    throw new InitialDirectoryError(`Cannot make ${directory}: ${reasonOf(error as NodeJS.ErrnoException, directory)}`);
  }
  const files = Object.fromEntries(
    Object.entries(INITIAL_FILES).map(([name, path]) => [name, join(directory, path)]),
  ) as InitialDirectory['files'];
  return { directory, files, names };
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

function certificates({ days, nowMs }: InitialOptions, names: readonly string[]) {
  const commonName = `Dunlin authority of ${hostname()}`.slice(0, COMMON_NAME_MAX);
  const authority = createAuthority({ commonName, days: Math.max(days, AUTHORITY_DAYS), nowMs });
  const server = issueServerCertificate({ authority, names, days, nowMs });
  return [
    [INITIAL_FILES.authority, PUBLIC, authority.certificate],
    [INITIAL_FILES.authorityKey, SECRET, authority.key],
    [INITIAL_FILES.certificate, PUBLIC, server.certificate],
    [INITIAL_FILES.key, SECRET, server.key],
  ] as const;
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
