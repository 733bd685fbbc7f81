/**
 * An outbox store in IndexedDB, for pages and workers: one database with one object store, records by their sequence and
 * the Client Identifier under a name. A Web Lock says which tab owns it, and goes with the tab.
 */
import type { BrowserGlobals, Database, Request, Transaction } from './indexeddb-types.ts';
import {
  type OutboxBatch,
  type OutboxContents,
  OutboxError,
  type OutboxRecord,
  type OutboxStore,
} from './outbox-store.ts';

export { OutboxError, type OutboxErrorCode } from './outbox-store.ts';

/** What may be set of the store in IndexedDB. */
export interface IndexedDbOutboxOptions {
  /**
   * What `open` does where another tab, or another store of this one, has it open: `fail` (default) rejects `held`,
   * `wait` waits until it lets go, is closed or crashes; `close` ends the waiting, and `open` rejects `closed`.
   */
  readonly onHeld?: 'fail' | 'wait' | undefined;
}

const VERSION = 1;
const STORE = 'outbox';
const CLIENT_ID = 'clientId';

/** Names of the browser's errors: our code, and what to do. */
const KNOWN: Readonly<Record<string, readonly [code: OutboxError['code'], hint: string]>> = {
  QuotaExceededError: ['full', ': the origin has no room left; make some, then write again'],
  VersionError: ['newer-format', ': a newer version of the page wrote it; reload the page'],
  DataCloneError: ['invalid', ''],
  DataError: ['invalid', ''],
};

/**
 * A store in the database `dunlin-outbox-<name>` of this origin, made where there is none. It needs a secure context
 * (https or localhost), for Web Locks. `navigator.storage.persist()` asks the browser to keep it when room is short.
 *
 * Where the database is deleted under an open store, by a script or by the user, writes reject `failed` from then on.
 */
export function indexedDbOutbox(name: string, { onHeld = 'fail' }: IndexedDbOutboxOptions = {}): OutboxStore {
  const { indexedDB, IDBKeyRange, navigator } = globalThis as unknown as BrowserGlobals;
  const title = `dunlin-outbox-${name}`;
  let database: Database | undefined;
  /** From the call of `open` until it has failed or `close` is through. */
  let opening: Promise<OutboxContents> | undefined;
  let closing: Promise<void> | undefined;
  /** Ends the waiting for the lock. */
  let waiting = new AbortController();
  let lastWrite: Promise<unknown> | undefined;
  let freeLock: (() => Promise<void>) | undefined;

  function failed(attempt: string, error: unknown): OutboxError {
    if (error instanceof OutboxError) return error;
    const { name: kind, message } = error as Error;
    const [code, hint] = KNOWN[kind] ?? ['failed', ''];
    return new OutboxError(code, `Cannot ${attempt} the outbox ${title}: ${message || kind}${hint}`, error);
  }

  function takeLock({ signal }: AbortController): Promise<void> {
    const { locks } = navigator;
    if (!locks) throw new Error('Web Locks are expected, which there are over https and on localhost');
    return new Promise((resolve, reject) => {
      const held = locks.request(title, onHeld === 'wait' ? { signal } : { ifAvailable: true }, (lock) => {
        if (!lock) {
          const text = `Cannot open the outbox ${title}: another tab or store has it open; close it there first`;
          throw new OutboxError('held', text);
        }
        return new Promise((release) => {
          freeLock = () => {
            release();
            return held;
          };
          resolve();
        });
      });
      held.catch((error) => {
        reject(
          error === signal.reason ? new OutboxError('closed', `Cannot open the outbox ${title}: it was closed`) : error,
        );
      });
    });
  }

  async function take(): Promise<OutboxContents> {
    await takeLock(waiting);
    const request = indexedDB.open(title, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const opened = await resultOf(request);
    // Whoever deletes it need not wait for us.
    opened.onversionchange = () => opened.close();
    database = opened;
    const store = begin(opened, 'readonly').objectStore(STORE);
    const [clientId, records] = await Promise.all([
      resultOf(store.get(CLIENT_ID)),
      // A name is no number, so it is not among them.
      resultOf(store.getAll(IDBKeyRange.bound(0, Infinity))),
    ]);
    return { clientId: clientId as string | undefined, records: records as OutboxRecord[] };
  }

  async function letGo(): Promise<void> {
    const last = database;
    database = undefined;
    await lastWrite;
    last?.close();
    await freeLock?.();
    freeLock = undefined;
  }

  function transact({ clientId, put, remove }: OutboxBatch): Promise<void> {
    return new Promise((resolve, reject) => {
      const transaction = begin(database as Database, 'readwrite');
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error ?? new Error('the browser gave it up'));
      try {
        const store = transaction.objectStore(STORE);
        if (clientId !== undefined) store.put(clientId, CLIENT_ID);
        for (const record of put) store.put(owned(record), record.sequence);
        for (const sequence of remove) store.delete(sequence);
        transaction.commit();
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    });
  }

  return {
    async open() {
      if (opening) throw new OutboxError('held', `Cannot open the outbox ${title}: it is open; close it first`);
      waiting = new AbortController();
      opening = take();
      try {
        return await opening;
      } catch (error) {
        await letGo();
        opening = undefined;
        throw failed('open', error);
      }
    },
    async write(batch) {
      if (!database || closing) throw new OutboxError('closed', `Cannot write to the outbox ${title}: it is not open`);
      const writing = transact(batch).catch((error) => {
        throw failed('write to', error);
      });
      lastWrite = writing.catch(() => {});
      await writing;
    },
    close() {
      closing ??= (async () => {
        waiting.abort();
        await opening?.catch(() => {});
        await letGo();
        opening = closing = undefined;
      })();
      return closing;
    },
  };
}

function begin(database: Database, mode: 'readonly' | 'readwrite'): Transaction {
  return database.transaction(STORE, mode, { durability: 'strict' });
}

function resultOf<T>(request: Request<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** A view is stored with all that it is a view of, so its bytes are taken out. */
function owned(record: OutboxRecord): OutboxRecord {
  const { payload, properties } = record;
  const { correlationData } = properties;
  return {
    ...record,
    payload: payload.slice(),
    properties: correlationData ? { ...properties, correlationData: correlationData.slice() } : properties,
  };
}
