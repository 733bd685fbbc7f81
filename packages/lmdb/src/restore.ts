/**
 * Puts a backup into a data directory. The backup is only read; what is taken is a copy that was checked where it will
 * lie. A former store keeps its place until the copy replaces it in one step, and is then found in a directory of its
 * own inside the data directory, since the user may not be allowed to write beside it.
 */
import {
  chownSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { flush } from './backup.ts';
import type { CheckReport } from './check.ts';
import { findingOf } from './damage.ts';
import { dataFile, freeBytes, NEW_STORE_BYTES, prepareDirectory, storeBytes } from './data-directory.ts';
import { DirectoryLock } from './directory-lock.ts';
import { ownUser } from './file-rights.ts';
import { assertStore, checkClosed } from './inspection.ts';
import { StoreError } from './store-error.ts';

export interface RestoreOptions {
  /** A backup, or any data directory that nobody has open. */
  readonly from: string;
  /** Made where there is none. */
  readonly directory: string;
  /** Whether a store that is there may be replaced. */
  readonly replace: boolean;
  /** For the name of the former store. */
  readonly now?: Date;
}

export interface Restored {
  /** What the copy was found to hold. */
  readonly report: CheckReport;
  readonly fileBytes: number;
  /** The directory in which the former store lies now; undefined where there was none. */
  readonly former: string | undefined;
}

const PROBLEMS_SHOWN = 5;
const COPY_CHUNK_BYTES = 1024 ** 2;
/** Of two pages, as large as LMDB makes them. */
const META_BYTES_MAX = 2 * 65_536;
/** Begins the name of the directory in which a copy is made and checked. */
const UNREADY = 'restoring-';
/** The whole name, as `mkdtemp` makes it. */
const UNREADY_NAME = /^restoring-[A-Za-z0-9]{6}$/;

/**
 * Settles when the device has it.
 * @throws StoreError 'no-store' where `from` holds none or is an unfinished copy, 'locked' where a process has one of the
 *   two or writes to `from` meanwhile, 'store-exists',
 *   'damaged', 'newer-format', 'not-openable'; the directory is as it was then
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { from, directory } = options;
  assertStore(from);
  assertKept(from, directory);
  await DirectoryLock.assertFree(from);
  prepareDirectory(directory, ownersHere(directory));
  const lock = await DirectoryLock.acquire(directory, 'restore');
  try {
    // Nobody else has the directory: what has such a name is of a restore that was killed.
    removeLeftovers(directory);
    try {
      return await takeCopy(options);
    } finally {
      removeLeftovers(directory);
    }
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError('not-openable', `Cannot restore ${from} into ${directory}: ${reason}`, error);
  } finally {
    await lock.release();
  }
}

async function takeCopy({ from, directory, replace, now = new Date() }: RestoreOptions): Promise<Restored> {
  const hasStore = existsSync(dataFile(directory));
  if (hasStore && !replace)
    throw new StoreError('store-exists', `Cannot restore into ${directory}: it holds a store already`);
  const copyBytes = await checkSize(from, directory);
  const folder = mkdtempSync(join(directory, UNREADY));
  const report = await checkedCopy(from, folder, copyBytes);
  const { size: fileBytes } = statSync(dataFile(folder));
  giveToOwner(directory, dataFile(folder));
  const former = hasStore ? makeFormer(directory, now) : undefined;
  try {
    if (former !== undefined) await keepStore(directory, former);
    renameSync(dataFile(folder), dataFile(directory));
  } catch (error) {
    // It holds at most a second name of the store that stays.
    if (former !== undefined) rmSync(former, { recursive: true, force: true });
    throw error;
  }
  await flush(directory);
  return { report, fileBytes, former };
}

/** What a killed restore left is no backup: nobody has checked it, and it is removed before anything is copied. */
function assertKept(from: string, directory: string): void {
  if (!existsSync(directory)) return;
  const [top = ''] = relative(realpathSync(directory), realpathSync(from)).split(sep);
  if (!UNREADY_NAME.test(top)) return;
  const found = `it lies in ${join(directory, top)}, the unfinished copy of another restore`;
  throw new StoreError('no-store', `Cannot restore ${from}: ${found}; a backup is expected`);
}

function removeLeftovers(directory: string): void {
  for (const name of readdirSync(directory))
    if (UNREADY_NAME.test(name)) rmSync(join(directory, name), { recursive: true, force: true });
}

/**
 * How much of the backup must be copied: as far as its meta pages go, since what lies behind them, perhaps a hole of any
 * length, is nothing. There must be room for it, and for the reader table of the check.
 */
async function checkSize(from: string, directory: string): Promise<number> {
  const path = dataFile(from);
  const { size } = statSync(path);
  const copyBytes = Math.min(size, bytesOf(path, from));
  const [needed, free] = [copyBytes + NEW_STORE_BYTES, await freeBytes(directory)];
  if (needed <= free) return copyBytes;
  const found = `${free} bytes of its file system are free, the backup needs ${needed}`;
  throw new StoreError('not-openable', `Cannot restore ${from} into ${directory}: ${found}; make room there first`);
}

function bytesOf(path: string, from: string): number {
  try {
    return storeBytes(path);
  } catch (error) {
    throw error instanceof StoreError ? damagedBackup(from, findingOf(error)) : error;
  }
}

async function checkedCopy(from: string, folder: string, copyBytes: number): Promise<CheckReport> {
  const before = metaPages(from);
  const source = createReadStream(dataFile(from), { end: copyBytes - 1, highWaterMark: COPY_CHUNK_BYTES });
  await pipeline(source, createWriteStream(dataFile(folder), { flags: 'wx', mode: 0o600 }));
  await flush(dataFile(folder), 0o600);
  // Its directory may be one that nobody can lock, as it can only be read; each transaction writes one of these pages.
  if (!metaPages(from).equals(before))
    throw new StoreError('locked', `Cannot restore ${from}: a process has written to it meanwhile; stop that first`);
  const report = await checkClosed(folder);
  const { problems } = report;
  if (problems.length === 0) return report;
  // The backup is what the user knows, and what is damaged.
  throw damagedBackup(from, problems.slice(0, PROBLEMS_SHOWN).join('; ').replaceAll(folder, from));
}

function metaPages(from: string): Buffer {
  const file = openSync(dataFile(from), 'r');
  try {
    const pages = Buffer.alloc(META_BYTES_MAX);
    return pages.subarray(0, readSync(file, pages, 0, pages.length, 0));
  } finally {
    closeSync(file);
  }
}

function damagedBackup(from: string, found: string): StoreError {
  return new StoreError('damaged', `Cannot restore ${from}: ${found}; take another backup`);
}

/** A new directory for the former store. */
function makeFormer(directory: string, now: Date): string {
  const time = now.toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  const name = join(directory, `former-${time}`);
  let former = name;
  for (let count = 2; existsSync(former); count++) former = `${name}-${count}`;
  mkdirSync(former, { mode: 0o700 });
  return former;
}

/** Gives the store a second name, so that its first one can be taken from it in one step. */
async function keepStore(directory: string, former: string): Promise<void> {
  giveToOwner(directory, former);
  linkSync(dataFile(directory), dataFile(former));
  await flush(former);
}

/** The superuser may restore into the directory of any user. */
function ownersHere(directory: string): readonly number[] {
  const found = statSync(directory, { throwIfNoEntry: false });
  return ownUser() === 0 && found !== undefined ? [found.uid] : [];
}

/** The superuser restores for the user whose server could not open the file otherwise. */
function giveToOwner(directory: string, path: string): void {
  if (ownUser() !== 0) return;
  const { uid, gid } = statSync(directory);
  chownSync(path, uid, gid);
}
