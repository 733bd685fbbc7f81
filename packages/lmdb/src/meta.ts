/** What a store says of itself: its format and its last run, as JSON, so that every later version can read it. */
import type { Chunk } from './chunks.ts';
import type { Database } from './database.ts';
import type { FormatStore } from './format.ts';
import { Key } from './keys.ts';
import { StoreError } from './store-error.ts';

/** Undefined where there is no such item. @throws StoreError 'damaged' */
export function readMeta(database: Database, name: string): unknown {
  const value = database.get(new Key().meta(name));
  if (value === undefined) return undefined;
  try {
    return JSON.parse(value.toString());
  } catch (error) {
    throw new StoreError(
      'damaged',
      `Cannot open ${database.path}: its item "${name}" is not JSON; restore a backup`,
      error,
    );
  }
}

/** Resolves when it survives what the database promises. */
export function writeMeta(database: Database, name: string, item: unknown): Promise<void> {
  return database.transaction((transaction) => {
    const bytes = Buffer.from(JSON.stringify(item));
    const chunk: Chunk = transaction.room(bytes.length);
    chunk.start = chunk.used;
    bytes.copy(chunk.bytes, chunk.used);
    chunk.used += bytes.length;
    chunk.end = chunk.used;
    transaction.put(new Key().meta(name), chunk);
  });
}

export function formatOf(database: Database): FormatStore {
  return {
    path: database.path,
    version: readMeta(database, 'format') as number | undefined,
    isEmpty: [...database.range(Buffer.of(0), Buffer.of(0xff), 1)].length === 0,
    write: (version: number) => writeMeta(database, 'format', version),
  };
}
