/**
 * The one file that knows the npm package `lmdb`: one environment, its root database, keys and values as bytes.
 *
 * Transactions. `transaction(build)` gives all puts and removals that `build` makes to lmdb's writer thread as one block,
 * which is never split. lmdb would split it for a synchronous transaction that comes in between, so after opening there
 * are none. One block is under way at a time; what comes meanwhile is built when it is over, together, as the next one.
 * So nothing that counts on a block is written where that block has failed (LMDB may fail one and take the next), and
 * nothing stands behind a failed one in lmdb, which never settles what it cannot begin.
 *
 * Durability. With `overlappingSync: false` the writer thread calls `mdb_txn_commit`, which flushes the pages, then the
 * meta page, and only then marks the block as committed (write.js and writer.cpp of lmdb 3.5); the promise follows that
 * mark. With `noSync` the same without the flush. `flush.test.ts` reads it off the system calls.
 *
 * Cost. Values go to lmdb through its encoder protocol, which takes an object with `buffer`, `address`, `start` and
 * `end` (as msgpackr returns it): so a value needs no Buffer of its own. Keys are copied by `writeKey`.
 */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Key as AnyKey, open, type RootDatabase } from 'lmdb';
import { type Chunk, ChunkPool, type Values } from './chunks.ts';
import { damaged } from './damage.ts';
import type { Key } from './keys.ts';
import { StoreError } from './store-error.ts';

/** What a file begins with. */
const META_PAGES = 2;
const VIEW_BYTES_MIN = 400;
/** How long a failed commit waits for its reason, in milliseconds. */
const REASON_WAIT_MS = 200;

export interface DatabaseOptions {
  readonly path: string;
  /** Whether a commit waits until the device has it. */
  readonly flush: boolean;
  /** Bytes of address space reserved at first; the map grows by itself. */
  readonly mapBytes: number;
  /** Nothing can be written then; the file must be there. */
  readonly isReadOnly?: boolean;
}

/** A row that was read: both are copies. */
export interface Row {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** What a transaction can do while it is built. */
export interface Transaction extends Values {
  /** Writes the value between `start` and `end` of the chunk. The key may be used again at once. */
  put(key: Key, value: Chunk): void;
  /** Removes a key; nothing where there is none. */
  remove(key: Key | Buffer): void;
}

type Build = (transaction: Transaction) => void;

/** A transaction that is under way. */
interface Job {
  readonly build: Build;
  readonly resolve: () => void;
  readonly reject: (failure: StoreError) => void;
}

/** One state of the database, for a long walk; it holds back the reuse of pages until it is closed. */
export interface Snapshot {
  range(from: Buffer, to: Buffer, limit?: number): Iterable<Row>;
  close(): void;
}

/** The part of lmdb that is used, with the types that its own declarations do not have for our keys and values. */
interface Native {
  put(key: Key, value: Chunk): unknown;
  remove(key: Key | Buffer): unknown;
  batch(build: () => void): Promise<boolean>;
  getBinary(key: Key): Buffer | undefined;
  getBinaryFast(key: Key): Buffer | undefined;
  getRange(options: object): Iterable<{ key: Buffer; value: Buffer }>;
  useReadTransaction(): { done(): void };
  sync(callback: (error?: Error) => void): void;
  backup(path: string, compact: boolean): Promise<void>;
  getStats(): NativeStats;
  close(): Promise<void>;
}

interface NativeStats {
  entryCount: number;
  pageSize: number;
  lastPageNumber: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}

const keyEncoder = {
  writeKey(key: Key | Buffer, target: Buffer, start: number): number {
    const isScratch = !(key instanceof Uint8Array);
    const bytes = isScratch ? key.bytes : key;
    const { length } = key;
    if (length <= 32) for (let index = 0; index < length; index++) target[start + index] = bytes[index];
    else target.set(isScratch ? bytes.subarray(0, length) : bytes, start);
    return start + length;
  },
  readKey(target: Uint8Array, start: number, end: number): Buffer {
    const key = Buffer.allocUnsafe(end - start);
    if (key.length > 32) key.set(target.subarray(start, end));
    else for (let index = 0; index < key.length; index++) key[index] = target[start + index];
    return key;
  },
};

const valueEncoder = {
  encode: (value: Chunk): Chunk => value,
  /** A copy, since messages keep views of it; small ones share memory, as what is read together mostly goes together. */
  decode(value: Uint8Array, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    // To make a view costs more than to copy so many bytes.
    if (length > VIEW_BYTES_MIN) copy.set(value.subarray(0, length));
    else for (let index = 0; index < length; index++) copy[index] = value[index];
    return copy;
  },
  // lmdb then passes the buffer mode, and takes `start` and `end`.
  copyBuffers: true,
};

export class Database {
  readonly #native: Native;
  readonly path: string;
  readonly #pool = new ChunkPool();
  #failure: StoreError | undefined;
  /** In the block that LMDB has. */
  #running: Job[] = [];
  /** For the next block. */
  #waiting: Job[] = [];
  #whenIdle: (() => void)[] = [];
  #isClosed = false;

  /** Opens the file, which is made where there is none. @throws StoreError 'not-openable' */
  constructor({ path, flush, mapBytes, isReadOnly = false }: DatabaseOptions) {
    this.path = path;
    try {
      this.#native = open({
        path,
        noSubdir: true,
        encoding: 'binary',
        encoder: valueEncoder,
        keyEncoder,
        cache: false,
        maxDbs: 1,
        mapSize: mapBytes,
        overlappingSync: false,
        noSync: !flush,
        readOnly: isReadOnly,
        // A block begins and ends where we say, not with the turn of the event loop.
        eventTurnBatching: false,
        permissionsMode: 0o600,
      } as object as { path: string }) as RootDatabase<unknown, AnyKey> as unknown as Native;
    } catch (error) {
      throw new StoreError('not-openable', `Cannot open ${path}: ${messageOf(error)}`, error);
    }
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): StoreError | undefined {
    return this.#failure;
  }

  /** Transactions that were asked for and are not over. */
  get inFlight(): number {
    return this.#running.length + this.#waiting.length;
  }

  /**
   * Writes everything `build` puts and removes, or nothing of it. Resolves when it survives what was promised.
   * `build` is called at once, or when the transaction before is over; in the order they came.
   * It must not throw: what it had written by then would be committed.
   * @throws StoreError 'commit-failed', also where an earlier one failed, since memory is ahead of the disk then
   */
  transaction(build: Build): Promise<void> {
    this.#assertUsable('write to');
    return new Promise((resolve, reject) => {
      this.#waiting.push({ build, resolve, reject });
      if (this.#running.length === 0) this.#next();
    });
  }

  /** Gives everything that waits to LMDB, as one block. */
  #next(): void {
    const jobs = this.#waiting;
    this.#waiting = [];
    if (jobs.length === 0) return;
    this.#running = jobs;
    const values = this.#pool.open();
    const native = this.#native;
    const transaction: Transaction = {
      room: values.room,
      put: (key, value) => void native.put(key, value),
      remove: (key) => void native.remove(key),
    };
    let thrown: { readonly error: unknown } | undefined;
    const committed = native.batch(() => {
      try {
        for (const { build } of jobs) build(transaction);
      } catch (error) {
        thrown = { error };
      }
    });
    committed.then(
      () => {
        values.release();
        if (thrown !== undefined) this.#rejectAll(thrown.error);
        else this.#resolveRunning();
      },
      async (error: unknown) => this.#rejectAll(await reasonOf(error)),
    );
  }

  #resolveRunning(): void {
    const jobs = this.#running;
    this.#running = [];
    for (const { resolve } of jobs) resolve();
    this.#next();
    this.#tellIdle();
  }

  /** What waits fails with what ran: it was built on it. */
  #rejectAll(reason: unknown): void {
    const failure = this.#fail(reason);
    const jobs = [...this.#running, ...this.#waiting];
    this.#running = [];
    this.#waiting = [];
    for (const { reject } of jobs) reject(failure);
    this.#tellIdle();
  }

  /** The value of a key, a copy; what was committed last, or undefined. */
  get(key: Key): Buffer | undefined {
    this.#assertOpen('read from');
    try {
      const value = this.#native.getBinary(key);
      return value && asBuffer(value);
    } catch (error) {
      throw damaged(key.view, messageOf(error), error);
    }
  }

  /** As `get`, without a copy: to be read at once, since the next read writes over it, and not to be changed. */
  peek(key: Key): Buffer | undefined {
    this.#assertOpen('read from');
    try {
      return this.#native.getBinaryFast(key);
    } catch (error) {
      throw damaged(key.view, messageOf(error), error);
    }
  }

  /** Rows with `from` <= key < `to`, in order. Must be walked, or left, within the turn. */
  range(from: Buffer, to: Buffer, limit?: number): Iterable<Row> {
    this.#assertOpen('read from');
    return readable(this.#native.getRange({ start: from, end: to, ...(limit !== undefined && { limit }) }), from);
  }

  /** The last row with `from` <= key < `to`, where no key is `to` itself. */
  last(from: Buffer, to: Buffer): Row | undefined {
    this.#assertOpen('read from');
    for (const row of readable(this.#native.getRange({ start: to, end: from, reverse: true, limit: 1 }), from))
      return row;
    return undefined;
  }

  snapshot(): Snapshot {
    this.#assertOpen('read from');
    const transaction = this.#native.useReadTransaction();
    return {
      range: (start, end, limit) => {
        this.#assertOpen('read from');
        const range = { start, end, transaction, ...(limit !== undefined && { limit }) };
        return readable(this.#native.getRange(range), start);
      },
      close: () => transaction.done(),
    };
  }

  /** Flushes what was committed without a flush. */
  async sync(): Promise<void> {
    this.#assertUsable('flush');
    await new Promise<void>((resolve, reject) => {
      this.#native.sync((error) => (error ? reject(this.#fail(error)) : resolve()));
    });
  }

  /** Copies the last committed state into a new file while writing goes on. */
  async backup(path: string): Promise<void> {
    this.#assertOpen('back up');
    await this.#native.backup(path, true);
  }

  stats(): { entryCount: number; reusableBytes: number } {
    this.#assertOpen('measure');
    const found = this.#native.getStats();
    const used = META_PAGES + found.treeBranchPageCount + found.treeLeafPageCount + found.overflowPages;
    return {
      entryCount: found.entryCount,
      reusableBytes: Math.max(0, found.lastPageNumber + 1 - used) * found.pageSize,
    };
  }

  /** Resolves when no transaction is under way. */
  async idle(): Promise<void> {
    while (this.inFlight > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.idle();
    this.#isClosed = true;
    await this.#native.close();
  }

  #tellIdle(): void {
    if (this.inFlight > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #fail(reason: unknown): StoreError {
    // LMDB reports a full disk as an input/output error, so whoever reads it is told what is free.
    this.#failure ??= new StoreError(
      'commit-failed',
      `Cannot write to ${this.path}: ${messageOf(reason)}${freeOn(this.path)}; ` +
        'make room or mend the device, then open it again: it keeps what was committed and takes no more until then',
      reason,
    );
    return this.#failure;
  }

  #assertOpen(attempt: string): void {
    if (this.#isClosed) throw new StoreError('closed', `Cannot ${attempt} the store: it was closed`);
  }

  #assertUsable(attempt: string): void {
    this.#assertOpen(attempt);
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** The rows of a range. @throws StoreError 'damaged' where LMDB cannot read them */
function* readable(range: Iterable<Row>, from: Buffer): Generator<Row> {
  try {
    yield* range;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw damaged(from, messageOf(error), error);
  }
}

/**
 * What a failed commit failed for. lmdb says no more than "Commit failed" and rejects a second promise with the reason,
 * a moment later and never unhandled here.
 */
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = Object(error) as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  const reason = commitError.then(
    () => error,
    (found: unknown) => found ?? error,
  );
  const late = new Promise<unknown>((resolve) => setTimeout(() => resolve(error), REASON_WAIT_MS).unref());
  return Promise.race([reason, late]);
}

/** lmdb slices its own buffer, which is one of Node's; of a large value it gives an array. */
function asBuffer(value: Uint8Array): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.length);
}

function freeOn(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return ` (${bavail * bsize} bytes of its file system are free)`;
  } catch {
    return '';
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
