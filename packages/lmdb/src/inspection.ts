/**
 * A data directory that nobody has open, looked at without changing it: it may be damaged, or on a disk that is full. No
 * format is migrated, no run is noted, nothing is swept.
 */
import { existsSync, lstatSync, rmSync, type Stats, statSync } from 'node:fs';
import { backUp } from './backup.ts';
import { type CheckReport, checkStore } from './check.ts';
import { findingOf } from './damage.ts';
import { dataFile, directoryReason, freeBytes, missingBytes } from './data-directory.ts';
import { Database } from './database.ts';
import { DirectoryLock } from './directory-lock.ts';
import type { StoreStats } from './environment.ts';
import { assertReadable } from './format.ts';
import { keyAfterPrefix, Tag } from './keys.ts';
import { formatOf } from './meta.ts';
import { damagedPage } from './page-tree.ts';
import { StoreError } from './store-error.ts';

/** Nothing grows, so the map is as large as the file. */
const MAP_BYTES_MIN = 1024 ** 2;

/** @throws StoreError 'no-store', 'not-openable' where nobody can tell */
export function assertStore(directory: string): void {
  const found = lookAt(directory);
  if (found?.isFile() && found.size > 0) return;
  const what =
    found === undefined ? 'there is no store in it' : `its data.mdb ${found.isFile() ? 'has 0 bytes' : 'is no file'}`;
  throw new StoreError('no-store', `Cannot open ${directory}: ${what}, expected is a file data.mdb with a store`);
}

function lookAt(directory: string): Stats | undefined {
  try {
    return lstatSync(dataFile(directory), { throwIfNoEntry: false });
  } catch (error) {
    throw new StoreError('not-openable', `Cannot open ${directory}: ${directoryReason(directory, error)}`, error);
  }
}

/**
 * Opens the store of the directory for `act`, and closes it.
 * @throws StoreError 'no-store', 'locked', 'newer-format', 'damaged', 'not-openable'; what `act` throws
 */
async function inspect<T>(directory: string, act: (database: Database) => Promise<T>): Promise<T> {
  assertStore(directory);
  const lock = await DirectoryLock.acquire(directory, 'inspect');
  const path = dataFile(directory);
  const hasReaderTable = existsSync(`${path}-lock`);
  let database: Database | undefined;
  try {
    // Pages that are not in the file are no trouble as long as nothing leads to them.
    const found = await damagedPage(path, missingBytes(path) === 0);
    if (found !== undefined)
      throw new StoreError('damaged', `Cannot open ${path}: it is damaged (${found}); restore a backup`);
    const mapBytes = Math.max(statSync(path).size, MAP_BYTES_MIN);
    database = new Database({ path, flush: false, mapBytes, isReadOnly: true });
    assertReadable(formatOf(database));
    return await act(database);
  } finally {
    await database?.close();
    // One that was made now belongs to the user who looked, who may not be the server's.
    if (!hasReaderTable) rmSync(`${path}-lock`, { force: true });
    await lock.release();
  }
}

/** The full check. What keeps the store from being opened at all is a problem, too. @throws as `inspect`, but 'damaged' */
export async function checkClosed(directory: string): Promise<CheckReport> {
  try {
    return await inspect(directory, checkStore);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'damaged') throw error;
    const nothing = { sessions: 0, subscriptions: 0, queued: 0, bodies: 0, retained: 0, tableRecords: 0, garbage: 0 };
    return { ...nothing, problems: [findingOf(error)] };
  }
}

/** @throws as `inspect` */
export function statsOfClosed(directory: string): Promise<StoreStats> {
  return inspect(directory, async (database) => {
    const { entryCount, reusableBytes } = database.stats();
    const tag = Buffer.from([Tag.garbage]);
    return {
      keys: entryCount,
      fileBytes: statSync(database.path).size,
      reusableBytes,
      freeBytes: await freeBytes(directory),
      sessionsToSweep: [...database.range(tag, keyAfterPrefix(tag))].length,
      sweepFailure: undefined,
    };
  });
}

/** Looks at every page first: LMDB would end the process at a damaged one. @throws as `inspect`, and as `backUp` */
export function backUpClosed(directory: string, to: string): Promise<void> {
  return inspect(directory, async (database) => {
    const found = await damagedPage(database.path);
    if (found !== undefined)
      throw new StoreError('damaged', `Cannot back up ${directory}: it is damaged (${found}); restore a backup`);
    await backUp(database, to);
  });
}
