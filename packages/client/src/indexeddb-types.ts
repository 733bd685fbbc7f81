/**
 * The part of IndexedDB and Web Locks that `indexeddb-outbox.ts` uses. The types of all of the browser would let any file
 * of this package use any of it.
 */

export interface Database {
  transaction(store: string, mode: 'readonly' | 'readwrite', options: { durability: 'strict' }): Transaction;
  createObjectStore(name: string): unknown;
  close(): void;
  onversionchange: (() => void) | null;
}

export interface Transaction {
  objectStore(name: string): ObjectStore;
  abort(): void;
  commit(): void;
  readonly error: Error | null;
  oncomplete: (() => void) | null;
  onabort: (() => void) | null;
}

export interface ObjectStore {
  put(value: unknown, key: number | string): unknown;
  delete(key: number): unknown;
  get(key: string): Request<unknown>;
  getAll(query: unknown): Request<unknown[]>;
}

export interface Request<T> {
  readonly result: T;
  readonly error: Error | null;
  onsuccess: (() => void) | null;
  onerror: (() => void) | null;
}

export interface OpenRequest extends Request<Database> {
  onupgradeneeded: (() => void) | null;
}

/** What a page or worker has under these names. */
export interface BrowserGlobals {
  readonly indexedDB: { open(name: string, version: number): OpenRequest };
  readonly IDBKeyRange: { bound(lower: number, upper: number): unknown };
  readonly navigator: {
    readonly locks?: {
      request(
        name: string,
        options: { ifAvailable?: boolean; signal?: AbortSignal },
        callback: (lock: object | null) => Promise<void> | undefined,
      ): Promise<void>;
    };
  };
}
