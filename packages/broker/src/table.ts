/** The port for records that are not messages (users, devices, certificates, commands): named collections of plain data. */
import type { Awaitable } from './ports.ts';

/** What a table is called and how its records are found beside their key. */
export interface TableDefinition<T> {
  /** Lower-case letters, digits and hyphens. One table of a name exists in a store. */
  readonly name: string;
  /**
   * Secondary indexes by name: the terms under which a record is found, none or many, the same for the same value.
   * They are kept with the record, in the same commit.
   */
  readonly indexes: Readonly<Record<string, (value: T) => readonly string[]>>;
}

export interface TableRecord<T> {
  /** At most 480 bytes of UTF-8, not empty. */
  readonly key: string;
  /** Plain data (`plain-data.ts`). Never change it: some adapters hand out what they hold. */
  readonly value: T;
  /** 1 or more; higher after each write of this key, a deletion between them included. */
  readonly revision: number;
}

/** Which records a scan visits. With neither `prefix` nor `exact`: all. */
export interface TableScan {
  /** Visit by the terms of this index rather than by key; a record with several terms is visited for each. */
  readonly index?: string;
  /** Only keys (or terms) that begin so. */
  readonly prefix?: string;
  /** Only this very key (or term). */
  readonly exact?: string;
  /** Where the page before ended. */
  readonly cursor?: string;
  /** Records of a page at the most, 1 or more. */
  readonly limit: number;
}

export interface TablePage<T> {
  readonly records: readonly TableRecord<T>[];
  /** Goes into the next scan; undefined when there is nothing more. Stays good while records come and go. */
  readonly cursor: string | undefined;
}

export interface TableChange<T> {
  readonly key: string;
  /** The record as it is now, undefined where it was deleted. */
  readonly record: TableRecord<T> | undefined;
}

/**
 * A named collection of records.
 *
 * Writes join the commits of the Store beside it, in order: a crash never leaves a later write (of a table or of the
 * store) without an earlier one. Order is by the code points of keys and terms, which is the order of their UTF-8.
 */
export interface Table<T> {
  get(key: string): Awaitable<TableRecord<T> | undefined>;
  /**
   * Writes a record and resolves with its revision when it survives a crash.
   *
   * With `expected` only if the record still has this revision (0: if there is none).
   * @throws RevisionConflict where it has another one, TypeError for a value that is no plain data; nothing was written then.
   */
  put(key: string, value: T, expected?: number): Promise<number>;
  /**
   * Deletes a record and resolves when that survives a crash: true where there was one.
   * @throws RevisionConflict as `put` does.
   */
  delete(key: string, expected?: number): Promise<boolean>;
  /**
   * One page of records, in order. Throws a RangeError for an index that is not declared; for a cursor that no page has
   * returned it does so too, or returns records of the range that it may.
   */
  scan(scan: TableScan): Awaitable<TablePage<T>>;
  /**
   * Tells of every change to keys with the prefix that is made from now on, by whomever, after it was committed, in
   * order for each key. Returns the function that ends it.
   */
  watch(prefix: string, listener: (change: TableChange<T>) => void): () => void;
  close(): Promise<void>;
}

/** A compare-and-set that came too late: read again, decide again. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';
  readonly code = 'revision-conflict';
  readonly key: string;
  readonly expected: number;
  /** 0 where there is no record. */
  readonly actual: number;

  constructor(table: string, key: string, expected: number, actual: number) {
    super(`Cannot write ${JSON.stringify(key)} of ${table}: its revision is ${actual}, expected was ${expected}`);
    this.key = key;
    this.expected = expected;
    this.actual = actual;
  }
}
