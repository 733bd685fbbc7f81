/** Changing a record of which others may write at the same time: read, decide, write over what was read, else again. */
import { RevisionConflict, type Table, type TableRecord } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import { DeviceError } from './device-error.ts';

/** Each of them waits for a write of somebody else, so that of so many at once each has its turn. */
const ATTEMPTS_MAX = 100;

/**
 * What `attempt` returns for the record as it is, which writes with its revision (0: there is none) as the expected one.
 * @throws DeviceError 'changed-meanwhile' where somebody came in between a hundred times; whatever `attempt` throws
 */
export async function compareAndSet<T, Result>(
  table: Table<T>,
  key: string,
  attempt: (record: TableRecord<T> | undefined) => Promise<Result>,
): Promise<Result> {
  for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
    const record = await table.get(key);
    try {
      return await attempt(record);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      await otherThan(table, key, record?.revision ?? 0);
    }
  }
  throw new DeviceError(
    'changed-meanwhile',
    `Cannot change ${quoted(key)}: it changes too often just now, fewer changes at a time are expected`,
  );
}

/** Deletes what was just written, unless somebody else came first: then it is theirs. For use within `attempt`. */
export async function takeBack<T>(table: Table<T>, key: string, revision: number): Promise<void> {
  await table.delete(key, revision).catch((error: unknown) => {
    if (!(error instanceof RevisionConflict)) throw error;
  });
}

/**
 * Resolves when the record has another revision. A table may refuse a write because of one that is on its way, and read what
 * is committed until that is there.
 */
async function otherThan<T>(table: Table<T>, key: string, revision: number): Promise<void> {
  let stop = (): void => {};
  const changed = new Promise<void>((resolve) => {
    stop = table.watch(key, (change) => {
      if (change.key === key) resolve();
    });
  });
  const record = await table.get(key);
  if ((record?.revision ?? 0) === revision) await changed;
  stop();
}
