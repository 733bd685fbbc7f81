/** The directory a store lies in: made for its owner alone, checked before LMDB maps the file, and measured. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { deniedReason, nearestOf, notTrustworthy } from './file-rights.ts';
import { flushNames } from './new-file.ts';
import { damagedPage, readMetas } from './page-tree.ts';
import { StoreError } from './store-error.ts';

const DIRECTORY_MODE = 0o700;

/** The database in a data directory; LMDB keeps its reader table beside it under this name and "-lock". */
export function dataFile(directory: string): string {
  return join(directory, 'data.mdb');
}

/**
 * Makes the directory where there is none, for its owner alone. One that is there must be so that only this user, the
 * superuser or one of `trusted` can have put anything into it.
 * @throws StoreError 'not-openable'
 */
export function prepareDirectory(directory: string, trusted?: readonly number[]): void {
  try {
    makeDirectory(directory);
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw notOpenable(directory, directoryReason(directory, error), error);
  }
  const distrust = notTrustworthy(directory, statSync(directory), trusted);
  if (distrust !== undefined) throw notOpenable(directory, distrust);
  for (const path of [dataFile(directory), `${dataFile(directory)}-lock`]) checkFile(directory, path, trusted);
}

/** Of what the system says of a directory, what it means and what would be right. */
export function directoryReason(directory: string, error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EEXIST':
    case 'ENOTDIR': {
      const [nearest] = nearestOf(resolve(directory));
      return `${nearest} is no directory; expected is a directory, or a path at which nothing is yet`;
    }
    case 'ENAMETOOLONG':
      return 'the path, or a name in it, is too long for the file system; expected is a shorter one';
    case 'EROFS':
      return 'its file system is mounted read-only; expected is one that may be written to';
    case 'EACCES':
    case 'EPERM':
      return deniedReason(directory);
    default:
      return `${reasonOf(error)}; it must be a directory that this user may write to`;
  }
}

/**
 * With all above it that are not there; their names survive a power cut. Not by Node's own `recursive`, which loops for
 * ever where the system says ENOENT of a parent that is there (/proc), and says ENOENT where a file system is read-only.
 */
export function makeDirectory(directory: string): void {
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(resolve(directory));
  if (!existsSync(parent)) makeDirectory(parent);
  mkdirSync(directory, { mode: DIRECTORY_MODE });
  flushNames(parent);
}

/**
 * LMDB says of such a file no more than that it cannot be opened. A symbolic link is none: whoever may put one here would
 * have this user write to any file of his.
 */
function checkFile(directory: string, path: string, trusted?: readonly number[]): void {
  const expected = 'it must be a file that this user may read and write';
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isFile()) throw notOpenable(directory, `${path} is no file; ${expected}`);
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'EACCES';
    throw notOpenable(directory, isDenied ? deniedReason(path) : `${reasonOf(error)}; ${expected}`, error);
  }
  const distrust = notTrustworthy(path, found, trusted);
  if (distrust !== undefined) throw notOpenable(directory, distrust);
}

/** Bytes that this user may still write on the file system of the directory. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** What a new store takes at first, with room to spare. */
export const NEW_STORE_BYTES = 256 * 1024;

/**
 * Looks for room where LMDB is about to make a file: on a full file system its table of readers, which it maps, would
 * end the process by a signal. An existing store opens without.
 * @throws StoreError 'not-openable'
 */
export async function checkRoom(directory: string): Promise<void> {
  const path = dataFile(directory);
  const isThere = [path, `${path}-lock`].every((file) => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  const free = isThere ? NEW_STORE_BYTES : await freeBytes(directory);
  if (free < NEW_STORE_BYTES)
    throw notOpenable(directory, `${free} bytes of its file system are free, a new store needs ${NEW_STORE_BYTES}`);
}

/** The file itself, one that was being made, sockets of the lock. */
const TELLS_NOTHING = /^(data\.mdb(\.new(-lock)?)?|lock-.*)$/;

/**
 * An empty file is taken for a new store only where nothing tells of an earlier one: a store is never made empty, so
 * something else emptied it then, and to begin anew would hide that.
 * @throws StoreError 'damaged'
 */
export function checkEmpty(directory: string): void {
  const path = dataFile(directory);
  if (statSync(path, { throwIfNoEntry: false })?.size !== 0) return;
  const other = readdirSync(directory).find((name) => !TELLS_NOTHING.test(name));
  if (other === undefined) return;
  const found = `it has 0 bytes, and beside it is ${other} of an earlier store`;
  throw new StoreError('damaged', `Cannot open ${path}: ${found}; restore a backup`);
}

/** A file may lack what LMDB took and gave back; what lacks more than this is not made as long as it says it is. */
const LENGTH_FACTOR_MAX = 1_000;
const LENGTH_SLACK_BYTES = 64 * 1024 ** 2;

/**
 * Looks at a file before LMDB maps it: at the way to the least keys, at all pages where some are missing at the end. LMDB
 * itself leaves pages out there that it took and gave back, so a short file may be sound; it is then made as long as it
 * should be, since to read beyond its end would end the process by a signal.
 * @throws StoreError 'damaged' where it is no file of LMDB, or a page that is looked at is damaged or missing
 */
export async function checkDataFile(path: string): Promise<void> {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return;
  const missing = missingBytes(path);
  const found = await damagedPage(path, missing === 0);
  if (found !== undefined)
    throw new StoreError('damaged', `Cannot open ${path}: it is damaged (${found}); restore a backup`);
  if (missing > 0) truncateSync(path, size + missing);
}

/** Bytes at the end of a file that its meta pages speak of and that are not there. @throws StoreError 'damaged' */
export function missingBytes(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  return size === 0 ? 0 : Math.max(0, storeBytes(path) - size);
}

/** Bytes that a file which is not empty has by its meta pages; behind them lies nothing of it. @throws StoreError 'damaged' */
export function storeBytes(path: string): number {
  const { size } = statSync(path);
  const metas = readMetas(path);
  if (metas.length === 0)
    throw new StoreError(
      'damaged',
      `Cannot open ${path}: its ${size} bytes do not begin as a file of LMDB does; restore a backup`,
    );
  const expected = Math.max(...metas.map(({ lastPage, pageSize }) => (lastPage + 1) * pageSize));
  if (expected > size * LENGTH_FACTOR_MAX + LENGTH_SLACK_BYTES)
    throw new StoreError(
      'damaged',
      `Cannot open ${path}: it says that it has ${expected} bytes, there are ${size}; restore a backup`,
    );
  return expected;
}

function notOpenable(directory: string, found: string, cause?: unknown): StoreError {
  return new StoreError('not-openable', `Cannot use ${directory} as data directory: ${found}`, cause);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
