/** Copies the last committed state of an open database into a directory of its own. */
import { readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dataFile, directoryReason, makeDirectory } from './data-directory.ts';
import type { Database } from './database.ts';
import { StoreError } from './store-error.ts';

/** Behind the name of a copy that is not whole yet. */
const PART = '.part';

/**
 * Resolves when the device has the copy. The directory is made where there is none; it is a data directory afterwards.
 * What was not finished never has the name of a store.
 * @throws StoreError 'not-openable' where it is the directory of the database itself, is not empty or cannot be written
 */
export async function backUp(database: Database, directory: string): Promise<void> {
  prepareTarget(database, directory);
  const path = dataFile(directory);
  try {
    await database.backup(path + PART);
    await flush(path + PART, 0o600);
    renameSync(path + PART, path);
    await flush(directory);
  } catch (error) {
    rmSync(path + PART, { force: true });
    throw notPossible(directory, error instanceof Error ? error.message : String(error), error);
  }
}

function prepareTarget(database: Database, directory: string): void {
  let found: string[];
  try {
    makeDirectory(directory);
    if (realpathSync(directory) === realpathSync(dirname(database.path)))
      throw notPossible(directory, 'it is the data directory itself, expected is another one');
    found = readdirSync(directory);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw notPossible(directory, directoryReason(directory, error), error);
  }
  if (found.length > 0) throw notPossible(directory, `it holds ${found[0]}, expected is an empty directory`);
}

function notPossible(directory: string, found: string, cause?: unknown): StoreError {
  return new StoreError('not-openable', `Cannot back up to ${directory}: ${found}`, cause);
}

/** Has the device take a file or a directory; a file gets the mode first. */
export async function flush(path: string, mode?: number): Promise<void> {
  const file = await open(path, 'r');
  try {
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
  } finally {
    await file.close();
  }
}
