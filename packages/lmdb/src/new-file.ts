/**
 * The file of a new store: made under another name, flushed, and only then given its own. LMDB writes the first pages of a
 * file without a flush, so a power cut at that moment would leave one that nobody can tell from a damaged one.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Database } from './database.ts';

/** Ends the name of a file that is being made; what is left under it was never used. */
const UNREADY = '.new';
const MAP_BYTES = 1024 ** 2;

/**
 * Makes a database at `path` where there is none, or an empty file; durable with what `initialize` writes when it
 * resolves. Nobody else may do the same at that time.
 */
export async function makeDataFile(path: string, initialize: (database: Database) => Promise<void>): Promise<void> {
  const unready = path + UNREADY;
  const leftovers = [unready, `${unready}-lock`];
  for (const name of leftovers) rmSync(name, { force: true });
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  try {
    const database = new Database({ path: unready, flush: true, mapBytes: MAP_BYTES });
    try {
      await initialize(database);
    } finally {
      await database.close();
    }
    renameSync(unready, path);
  } finally {
    for (const name of leftovers) rmSync(name, { force: true });
  }
  flushNames(dirname(path));
}

/** What a directory lists survives a power cut when this returns: a flush of a file need not cover its name. */
export function flushNames(directory: string): void {
  // Windows opens no directories, and keeps names by itself.
  if (process.platform === 'win32') return;
  const file = openSync(directory, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
