/**
 * Puts a backup into a data directory. The backup is only read; what is taken is a copy that was checked where it will
 * lie. A former store keeps its place until the copy replaces it in one step, and is then found in a directory of its
 * own inside the data directory, since the user may not be allowed to write beside it.
 */
import {
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { flush } from './backup.ts';
import type { CheckReport } from './check.ts';
import { dataFile, prepareDirectory } from './data-directory.ts';
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

/**
 * Settles when the device has it.
 * @throws StoreError 'no-store' where `from` holds none, 'locked' where a process has one of the two, 'store-exists',
 *   'damaged', 'newer-format', 'not-openable'; the directory is as it was then
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { from, directory, replace, now = new Date() } = options;
  assertStore(from);
  await DirectoryLock.assertFree(from);
  prepareDirectory(directory, ownersHere(directory));
  const lock = await DirectoryLock.acquire(directory);
  let folder: string | undefined;
  try {
    const hasStore = existsSync(dataFile(directory));
    if (hasStore && !replace)
      throw new StoreError('store-exists', `Cannot restore into ${directory}: it holds a store already`);
    folder = mkdtempSync(join(directory, 'restoring-'));
    const report = await checkedCopy(from, folder);
    const { size: fileBytes } = statSync(dataFile(folder));
    giveToOwner(directory, dataFile(folder));
    const former = hasStore ? await keepFormer(directory, now) : undefined;
    renameSync(dataFile(folder), dataFile(directory));
    await flush(directory);
    return { report, fileBytes, former };
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StoreError('not-openable', `Cannot restore ${from} into ${directory}: ${reason}`, error);
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    await lock.release();
  }
}

async function checkedCopy(from: string, folder: string): Promise<CheckReport> {
  copyFileSync(dataFile(from), dataFile(folder));
  await flush(dataFile(folder), 0o600);
  const report = await checkClosed(folder);
  const { problems } = report;
  if (problems.length === 0) return report;
  // The backup is what the user knows, and what is damaged.
  const shown = problems.slice(0, PROBLEMS_SHOWN).join('; ').replaceAll(folder, from);
  throw new StoreError('damaged', `Cannot restore ${from}: it is damaged (${shown}); take another backup`);
}

/** Gives the store a second name, so that its first one can be taken from it in one step. */
async function keepFormer(directory: string, now: Date): Promise<string> {
  const time = now.toISOString().replace(/\.\d+/, '').replaceAll(':', '-');
  const former = join(directory, `former-${time}`);
  mkdirSync(former, { mode: 0o700 });
  giveToOwner(directory, former);
  linkSync(dataFile(directory), dataFile(former));
  await flush(former);
  return former;
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
