/** The master key: what the keys of authorities are encrypted under while they lie on a disk. */
import { hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, realpathSync, type Stats } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileFault } from '@dunlin/identity';

/** Where the master key is: one of these. */
export interface MasterKeySource {
  /** A file of its own, for its owner alone. */
  readonly file?: string | undefined;
  /** Name of an environment variable. */
  readonly environment?: string | undefined;
  /** Name of a credential that systemd hands over. */
  readonly credential?: string | undefined;
}

export interface MasterKeyPlace {
  /** Default: that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Its backups must not hold the key: a file in it is refused. */
  readonly dataDirectory?: string;
}

/** The master key cannot be had. The message holds nothing of it. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError';
  readonly code: 'missing' | 'exposed' | 'malformed';
  /** The message without what is expected of any master key: whoever knows which one it has to be says that. */
  readonly found: string;

  constructor(code: MasterKeyError['code'], place: string, fault: string, expected?: string) {
    const found = `Cannot take the master key from ${place}: ${fault}`;
    super(expected === undefined ? found : `${found}; ${expected}`);
    this.code = code;
    this.found = found;
  }
}

const KEY_BYTES = 32;
/** What base64 makes of 32 bytes, a line break, and some room for a person's spaces. */
const FILE_BYTES_MAX = 256;
const EXPECTED = `${KEY_BYTES} random bytes in base64, as "openssl rand -base64 ${KEY_BYTES}" writes them, are expected`;
/** Group and others may do nothing with a file of its user. */
const OPEN_TO_OTHERS = 0o077;
/** A file of root may be read by the group of the server. */
const OPEN_OF_ROOT = 0o037;

/** The key in memory. It is in no text that this object turns into. */
export class MasterKey {
  /** Where it came from, for messages. */
  readonly source: string;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, source: string) {
    if (bytes.length !== KEY_BYTES)
      throw new RangeError(`Cannot use a master key of ${bytes.length} bytes: ${EXPECTED}`);
    this.#bytes = bytes;
    this.source = source;
  }

  /** What key files are encrypted with (PKCS#8): HKDF-SHA-256 of the key, without salt, for this use, in base64url. A secret. */
  passphrase(): string {
    return Buffer.from(hkdfSync('sha256', this.#bytes, '', 'dunlin key file', KEY_BYTES)).toString('base64url');
  }
}

/** A new master key as its file holds it: one line. A secret. */
export function newMasterKeyText(): string {
  return `${randomBytes(KEY_BYTES).toString('base64')}\n`;
}

/** Reads the text of a master key; `source` names in messages where it stood. Throws `MasterKeyError`. */
export function parseMasterKey(text: string, source: string): MasterKey {
  const trimmed = text.trim();
  const bytes = Buffer.from(trimmed, 'base64');
  if (bytes.toString('base64') !== trimmed || bytes.length !== KEY_BYTES)
    throw new MasterKeyError(
      'malformed',
      source,
      `it holds ${trimmed.length} characters of something else; ${EXPECTED}`,
    );
  return new MasterKey(bytes, source);
}

/** Reads the master key. Throws `MasterKeyError`, which names the place and what is expected there. */
export function readMasterKey(from: MasterKeySource, place: MasterKeyPlace = {}): MasterKey {
  const { environment = process.env, dataDirectory } = place;
  if (from.environment !== undefined) return readVariable(from.environment, environment);
  if (from.credential !== undefined) return readCredential(from.credential, environment['CREDENTIALS_DIRECTORY']);
  const { file } = from;
  if (file === undefined)
    throw new MasterKeyError(
      'missing',
      'nowhere',
      'no place is named; a file, environment variable or credential is expected',
    );
  const source = JSON.stringify(file);
  const text = readSecret(file, source, (stats) => checkFile(stats, file, source, dataDirectory));
  return parseMasterKey(text, source);
}

function readVariable(name: string, environment: Readonly<Record<string, string | undefined>>): MasterKey {
  const source = `the environment variable ${name}`;
  const text = environment[name];
  if (text === undefined || text === '') throw new MasterKeyError('missing', source, 'it is not set', EXPECTED);
  return parseMasterKey(text, source);
}

function readCredential(name: string, directory: string | undefined): MasterKey {
  const source = `the credential ${JSON.stringify(name)}`;
  if (!/^[\w.@-]{1,255}$/.test(name) || /^\.+$/.test(name))
    throw new MasterKeyError('missing', source, 'it is no name; letters, digits, ".", "_", "@" and "-" are expected');
  if (directory === undefined || directory === '')
    throw new MasterKeyError(
      'missing',
      source,
      'CREDENTIALS_DIRECTORY is not set; a unit of systemd with LoadCredential= or LoadCredentialEncrypted= is expected',
    );
  // Who may read it is the business of systemd, which made the file for this service.
  return parseMasterKey(readSecret(join(directory, name), source), source);
}

/** Reads a file that was checked while it was open, so that nobody puts another in its place in between. */
function readSecret(file: string, source: string, check: (stats: Stats) => void = () => {}): string {
  let opened: number | undefined;
  try {
    opened = openSync(file, 'r');
    const stats = fstatSync(opened);
    if (!stats.isFile()) throw new MasterKeyError('malformed', source, `it is no ordinary file; ${EXPECTED}`);
    check(stats);
    if (stats.size > FILE_BYTES_MAX)
      throw new MasterKeyError('malformed', source, `it has ${stats.size} bytes; ${EXPECTED}`);
    return readFileSync(opened, 'latin1');
  } catch (error) {
    if (error instanceof MasterKeyError) throw error;
    throw new MasterKeyError('missing', source, fileFault(file, error), EXPECTED);
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function checkFile({ mode, uid }: Stats, file: string, source: string, dataDirectory: string | undefined): void {
  const user = process.geteuid?.();
  if (user !== undefined) {
    if (uid !== user && uid !== 0)
      throw new MasterKeyError('exposed', source, `it belongs to user ${uid}; user ${user} or root is expected`);
    if ((mode & (uid === 0 && user !== 0 ? OPEN_OF_ROOT : OPEN_TO_OTHERS)) !== 0) {
      const rights = (mode & 0o777).toString(8).padStart(4, '0');
      throw new MasterKeyError(
        'exposed',
        source,
        `others may use it (mode ${rights}); 0600 is expected: chmod 600 ${source}`,
      );
    }
  }
  if (dataDirectory !== undefined && isInside(file, dataDirectory))
    throw new MasterKeyError(
      'exposed',
      source,
      'it lies in the data directory, whose copies would hold it; a place elsewhere is expected',
    );
}

function isInside(file: string, directory: string): boolean {
  const path = relative(resolved(directory), resolved(file));
  return path !== '..' && !path.startsWith(`..${sep}`);
}

/** Where a path leads; the path itself while nothing is there. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
