/** Opens a data directory: lock, file, format, check where it is due; then Store and Tables, until it is closed. */
import { statSync } from 'node:fs';
import type { Store, Table, TableDefinition } from '@dunlin/broker';
import { backUp } from './backup.ts';
import { type CheckReport, checkStore } from './check.ts';
import { checkDataFile, checkEmpty, checkRoom, dataFile, freeBytes, prepareDirectory } from './data-directory.ts';
import { Database } from './database.ts';
import { DirectoryLock } from './directory-lock.ts';
import { ensureFormat, MIGRATIONS } from './format.ts';
import { type TextHash, textHash } from './keys.ts';
import { formatOf, readMeta, writeMeta } from './meta.ts';
import { makeDataFile } from './new-file.ts';
import { mayBeTorn, type RunRecord, readBootId } from './run-record.ts';
import { LmdbStore } from './store.ts';
import { StoreError } from './store-error.ts';
import { LmdbTable } from './table.ts';

export interface LmdbOptions {
  /** Made where there is none, for its owner alone. */
  readonly directory: string;
  /**
   * `durable`: a commit resolves when the device has it. `process`: when the operating system has it, which survives
   * the end of the process, but a crash of the system may cost the whole store.
   */
  readonly durability: 'durable' | 'process';
  /** Bytes of address space to reserve at first. It grows by itself, but each growth leaves the former map in place. */
  readonly mapBytes?: number;
  /** Of the machine's present boot; for tests. */
  readonly bootId?: string;
  /**
   * Told once, where what deleted sessions left can be removed no more: of damage, or of a write that failed, which the
   * next commit tells too. Until the directory is opened again it takes space. Must not throw.
   */
  readonly sweepFailed?: (error: unknown) => void;
  /** Of long texts in keys; for tests. Always the same for one directory. */
  readonly textHash?: TextHash;
}

export interface StoreStats {
  readonly keys: number;
  /** Of the data file. */
  readonly fileBytes: number;
  /** Pages in the file that can be used again, in bytes. */
  readonly reusableBytes: number;
  readonly freeBytes: number;
  /** Deleted sessions whose remains are still being removed. */
  readonly sessionsToSweep: number;
  /** Why that ended before its time. */
  readonly sweepFailure: string | undefined;
}

/** An open data directory. */
export interface LmdbEnvironment {
  readonly directory: string;
  readonly store: Store;
  /** Opens a table. @throws RangeError where its name is unfit, or open already */
  table<T>(definition: TableDefinition<T>): Table<T>;
  /** Walks over everything, in slices, while work goes on. @throws StoreError 'closed' where it is closed meanwhile */
  check(): Promise<CheckReport>;
  stats(): Promise<StoreStats>;
  /**
   * Writes what is committed now into a new or empty directory, usable as a data directory afterwards.
   * @throws StoreError 'not-openable' where that cannot be
   */
  backup(directory: string): Promise<void>;
  /** Bytes that may still be written on the file system. @throws StoreError 'closed' */
  freeBytes(): Promise<number>;
  /** Resolves when what deleted sessions left is removed. */
  swept(): Promise<void>;
  /** Waits for what is under way, also for a backup, then closes; nothing may be called afterwards. Idempotent. */
  close(): Promise<void>;
}

const MAP_BYTES = 64 * 1024 ** 3;
const PROBLEMS_SHOWN = 5;

/** @throws StoreError 'locked', 'newer-format', 'damaged', 'not-openable' */
export async function openLmdb(options: LmdbOptions): Promise<LmdbEnvironment> {
  prepareDirectory(options.directory);
  const lock = await DirectoryLock.acquire(options.directory, 'serve');
  let database: Database | undefined;
  try {
    const path = dataFile(options.directory);
    await checkRoom(options.directory);
    checkEmpty(options.directory);
    await makeDataFile(path, (made) => ensureFormat(formatOf(made), MIGRATIONS));
    await checkDataFile(path);
    database = new Database({
      path,
      flush: options.durability === 'durable',
      mapBytes: options.mapBytes ?? MAP_BYTES,
    });
    await ensureFormat(formatOf(database), MIGRATIONS);
    const run = { durability: options.durability, bootId: options.bootId ?? readBootId() } as const;
    await beginRun(database, run);
    return new Environment(options, database, lock, run);
  } catch (error) {
    await database?.close();
    await lock.release();
    throw error;
  }
}

type Run = Omit<RunRecord, 'isClean'>;

/** Checks the store where it may be damaged, and notes that it is open. */
async function beginRun(database: Database, run: Run): Promise<void> {
  const former = readMeta(database, 'run') as RunRecord | undefined;
  if (mayBeTorn(former, run.bootId)) {
    const { problems } = await checkStore(database);
    if (problems.length > 0) throw tornStore(database.path, problems);
  }
  // Only after the check: if it fails, it is due again.
  await writeMeta(database, 'run', { ...run, isClean: false } satisfies RunRecord);
  await database.sync();
}

function tornStore(path: string, problems: readonly string[]): StoreError {
  const cause = 'the machine went down before all was flushed';
  const shown = problems.slice(0, PROBLEMS_SHOWN).join('; ');
  return new StoreError('damaged', `Cannot open ${path}: ${cause}, and it is damaged (${shown}); restore a backup`);
}

class Environment implements LmdbEnvironment {
  readonly directory: string;
  readonly store: LmdbStore;
  readonly #database: Database;
  readonly #lock: DirectoryLock;
  readonly #run: Run;
  readonly #hash: TextHash;
  readonly #tables = new Set<string>();
  /** Checks and backups under way: LMDB must not be closed below them. */
  readonly #walks = new Set<Promise<unknown>>();
  readonly #ending = new AbortController();
  #closing: Promise<void> | undefined;

  constructor(options: LmdbOptions, database: Database, lock: DirectoryLock, run: Run) {
    this.directory = options.directory;
    this.#database = database;
    this.#lock = lock;
    this.#run = run;
    this.#hash = options.textHash ?? textHash;
    this.store = new LmdbStore(database, this.#hash, () => this.freeBytes(), options.sweepFailed);
  }

  table<T>(definition: TableDefinition<T>): Table<T> {
    const { name } = definition;
    if (this.#tables.has(name))
      throw new RangeError(`Cannot open the table ${JSON.stringify(name)}: it is open already`);
    const table = new LmdbTable(this.#database, definition, this.#hash, () => void this.#tables.delete(name));
    this.#tables.add(name);
    return table;
  }

  check(): Promise<CheckReport> {
    return this.#before(checkStore(this.#database, this.#ending.signal));
  }

  async stats(): Promise<StoreStats> {
    const found = this.#database.stats();
    return {
      keys: found.entryCount,
      fileBytes: statSync(dataFile(this.directory)).size,
      reusableBytes: found.reusableBytes,
      freeBytes: await this.freeBytes(),
      sessionsToSweep: this.store.sweeper.pending,
      sweepFailure: this.store.sweeper.failure === undefined ? undefined : String(this.store.sweeper.failure),
    };
  }

  backup(directory: string): Promise<void> {
    return this.#before(backUp(this.#database, directory));
  }

  async freeBytes(): Promise<number> {
    if (this.#closing !== undefined) throw new StoreError('closed', `Cannot measure ${this.directory}: it was closed`);
    return await freeBytes(this.directory);
  }

  swept(): Promise<void> {
    return this.store.sweeper.finished();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Closing waits for it. */
  async #before<T>(walk: Promise<T>): Promise<T> {
    this.#walks.add(walk);
    try {
      return await walk;
    } finally {
      this.#walks.delete(walk);
    }
  }

  async #close(): Promise<void> {
    try {
      this.#ending.abort();
      await Promise.allSettled(this.#walks);
      await this.store.sweeper.stop();
      await this.#database.idle();
      if (this.#database.failure === undefined) {
        // What was written must be on the device before a record says so.
        await this.#database.sync();
        await writeMeta(this.#database, 'run', { ...this.#run, isClean: true } satisfies RunRecord);
        await this.#database.sync();
      }
    } finally {
      await this.#database.close();
      await this.#lock.release();
    }
  }
}
