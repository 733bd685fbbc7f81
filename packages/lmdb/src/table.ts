/**
 * A Table on LMDB. Compare-and-set decides in memory against the newest revision, written or on its way, so that of
 * many writers in one process one wins; reads see what has been committed.
 *
 * Records and index entries of a write are one transaction. It joins the commits of the Store: LMDB's writer thread
 * takes both in the order they came.
 */
import {
  type Awaitable,
  RevisionConflict,
  type Table,
  type TableChange,
  type TableDefinition,
  type TablePage,
  type TableRecord,
  type TableScan,
} from '@dunlin/broker';
import { decoded } from './damage.ts';
import type { Database, Row, Transaction } from './database.ts';
import { Key, keyAfterPrefix, type TextHash } from './keys.ts';
import { readRecordText, writeRecordText } from './record-text.ts';
import { pages } from './scans.ts';
import {
  indexKey,
  indexPrefix,
  parseIndexKey,
  parseRecordKey,
  recordPrefix,
  termKey,
  termRange,
} from './table-keys.ts';
import { decodeRecord, encodeRecord } from './table-values.ts';
import { decodeBucket, decodeReferences, encodeBucket, encodeReferences } from './values.ts';

const KEY_BYTES_LIMIT = 480;
const TABLE_NAME = /^[a-z0-9-]{1,64}$/;
const INDEX_NAME = /^[A-Za-z0-9-]{1,64}$/;
/** Revisions reserved at once: those left at a crash are passed over. */
const RESERVED = 1_000;
/** Rows that a page looks at for the records it returns: a long prefix may share its beginning with many others. */
const PAGE_ROWS_MAX = 100_000;

interface Watcher<T> {
  readonly prefix: string;
  readonly listener: (change: TableChange<T>) => void;
}

/** Index keys of one record, each with the terms that stand in its value because the key is too short for them. */
type IndexEntries = Map<string, string[]>;

export class LmdbTable<T> implements Table<T> {
  readonly #database: Database;
  readonly #definition: TableDefinition<T>;
  readonly #hash: TextHash;
  readonly #onClose: () => void;
  readonly #key = new Key();
  readonly #prefix: Buffer;
  /** What gives the terms of an index, under the prefix of its keys as latin1. */
  readonly #indexes: ReadonlyMap<string, (value: T) => readonly string[]>;
  readonly #watchers = new Set<Watcher<T>>();
  /** Newest state of the keys that are being written: their value as text and its revision, or that there is none. */
  readonly #pending = new Map<string, Pending>();
  /** While the indexes are made anew, because others are declared than were kept: what needs them waits. */
  #ready: Promise<void> | undefined;
  #revision: number;
  #reservedUpTo: number;

  /** @throws RangeError for a name that does not fit, StoreError 'damaged' */
  constructor(database: Database, definition: TableDefinition<T>, hash: TextHash, onClose: () => void) {
    checkNames(definition);
    this.#database = database;
    this.#definition = definition;
    this.#hash = hash;
    this.#onClose = onClose;
    this.#prefix = recordPrefix(definition.name);
    this.#indexes = new Map(
      Object.entries(definition.indexes).map(([index, termsOf]) => [
        indexPrefix(definition.name, index).toString('latin1'),
        termsOf,
      ]),
    );
    const key = this.#revisionKey();
    const value = database.get(key);
    this.#reservedUpTo = value === undefined ? 0 : decoded(key.copy(), value, decodeReferences);
    this.#revision = this.#reservedUpTo;
    if (this.#hasSameIndexes()) return;
    this.#ready = this.#rebuildIndexes();
    // Whoever waits for it hears of it.
    this.#ready.catch(() => undefined);
  }

  get(key: string): TableRecord<T> | undefined {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > KEY_BYTES_LIMIT) return undefined;
    const value = this.#database.peek(this.#recordKey(key));
    return value === undefined ? undefined : this.#record(key, this.#key.view, value);
  }

  async put(key: string, value: T, expected?: number): Promise<number> {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > KEY_BYTES_LIMIT)
      throw new RangeError(
        `Cannot write to ${this.#definition.name}: a key has 1 to ${KEY_BYTES_LIMIT} bytes, not ${bytes}`,
      );
    // Both of the value as it is now: it is its owner's again from here on.
    const text = writeRecordText(value);
    const entries = this.#indexEntries(key, value);
    if (this.#ready !== undefined) await this.#ready;
    const before = this.#expect(key, expected);
    const former = before && this.#indexEntries(key, before.value);
    this.#revision += 1;
    const revision = this.#revision;
    await this.#write(key, { text, revision }, (transaction) => {
      if (former !== undefined) this.#removeEntries(former, entries, transaction);
      this.#putEntries(entries, transaction, former);
      transaction.put(this.#recordKey(key), encodeRecord(transaction, revision, text));
    });
    return revision;
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    if (this.#ready !== undefined) await this.#ready;
    const before = this.#expect(key, expected);
    if (before === undefined) return false;
    const former = this.#indexEntries(key, before.value);
    this.#revision += 1;
    await this.#write(key, { text: undefined, revision: 0 }, (transaction) => {
      this.#removeEntries(former, new Map(), transaction);
      transaction.remove(this.#recordKey(key));
    });
    return true;
  }

  scan(scan: TableScan): Awaitable<TablePage<T>> {
    if (this.#ready !== undefined && scan.index !== undefined) return this.#ready.then(() => this.scan(scan));
    const { index, prefix = '', exact, cursor, limit } = scan;
    const { from, to, matches } =
      index === undefined ? this.#keyRange(prefix, exact) : this.#range(index, prefix, exact);
    const start = cursor === undefined ? from : afterCursor(cursor, from);
    const records: TableRecord<T>[] = [];
    let last: Buffer | undefined;
    let seen = 0;
    for (const row of this.#database.range(start, to)) {
      if ((records.length >= limit || seen >= PAGE_ROWS_MAX) && last !== undefined)
        return { records, cursor: last.toString('base64url') };
      for (const record of matches(row)) records.push(record);
      last = row.key;
      seen += 1;
    }
    return { records, cursor: undefined };
  }

  watch(prefix: string, listener: (change: TableChange<T>) => void): () => void {
    const watcher = { prefix, listener };
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    await this.#ready?.catch(() => undefined);
    await this.#database.idle();
    this.#onClose();
  }

  /** Makes the indexes anew from the records, a slice a transaction. It may be cut short and begun again. */
  async #rebuildIndexes(): Promise<void> {
    const { name } = this.#definition;
    const indexes = indexPrefix(name, '').subarray(0, -1);
    for await (const page of pages(this.#database, indexes, keyAfterPrefix(indexes)))
      await this.#database.transaction((transaction) => {
        for (const { key } of page) transaction.remove(key);
      });
    for await (const page of pages(this.#database, this.#prefix, keyAfterPrefix(this.#prefix))) {
      const entries = page.map((row) => {
        const { key } = parseRecordKey(row.key);
        return this.#indexEntries(key, this.#record(key, row.key, row.value).value);
      });
      await this.#database.transaction((transaction) => {
        for (const one of entries) this.#putEntries(one, transaction);
      });
    }
    await this.#database.transaction((transaction) => {
      const declared = Object.keys(this.#definition.indexes)
        .sort()
        .map((index) => Buffer.from(index));
      transaction.put(this.#key.meta(`indexes:${name}`), encodeBucket(transaction, declared));
    });
    this.#ready = undefined;
  }

  /** Whether the indexes that were kept until now are those that are declared now. */
  #hasSameIndexes(): boolean {
    const key = this.#key.meta(`indexes:${this.#definition.name}`);
    const value = this.#database.get(key);
    const kept = value === undefined ? [] : decoded(key.copy(), value, decodeBucket).map(String);
    return kept.join() === Object.keys(this.#definition.indexes).sort().join();
  }

  /** The record as it will be when all that was written is committed, if its revision is the expected one. */
  #expect(key: string, expected: number | undefined): TableRecord<T> | undefined {
    const record = this.#newest(key);
    const actual = record?.revision ?? 0;
    if (expected !== undefined && expected !== actual)
      throw new RevisionConflict(this.#definition.name, key, expected, actual);
    return record;
  }

  #newest(key: string): TableRecord<T> | undefined {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.get(key) : recordOf<T>(key, pending);
  }

  async #write(key: string, pending: Pending, build: (transaction: Transaction) => void): Promise<void> {
    this.#pending.set(key, pending);
    await this.#database.transaction((transaction) => {
      this.#reserve(transaction);
      build(transaction);
    });
    if (this.#pending.get(key) === pending) this.#pending.delete(key);
    const told = [...this.#watchers].filter(({ prefix }) => key.startsWith(prefix));
    if (told.length === 0) return;
    const change = { key, record: recordOf<T>(key, pending) };
    for (const { listener } of told) listener(change);
  }

  #reserve(transaction: Transaction): void {
    if (this.#revision <= this.#reservedUpTo) return;
    this.#reservedUpTo = this.#revision + RESERVED;
    transaction.put(this.#revisionKey(), encodeReferences(transaction, this.#reservedUpTo));
  }

  /** `former`: what stands there already. */
  #putEntries(entries: IndexEntries, transaction: Transaction, former?: IndexEntries): void {
    for (const [name, terms] of entries) {
      if (terms.length === 0 && former?.get(name)?.length === 0) continue;
      const records = terms.map((term) => Buffer.from(term));
      transaction.put(this.#rawKey(name), encodeBucket(transaction, records));
    }
  }

  #removeEntries(former: IndexEntries, kept: IndexEntries, transaction: Transaction): void {
    for (const name of former.keys()) if (!kept.has(name)) transaction.remove(this.#rawKey(name));
  }

  #indexEntries(key: string, value: T): IndexEntries {
    const entries: IndexEntries = new Map();
    if (this.#indexes.size === 0) return entries;
    const keyText = Buffer.from(key).toString('latin1');
    for (const [start, termsOf] of this.#indexes) {
      for (const term of new Set(termsOf(value))) {
        const { name, isCut } = indexKey(start, term, keyText, this.#hash);
        const terms = entries.get(name) ?? [];
        if (isCut) terms.push(term);
        entries.set(name, terms);
      }
    }
    return entries;
  }

  #keyRange(prefix: string, exact: string | undefined): Range<T> {
    const from = Buffer.concat([this.#prefix, Buffer.from(exact ?? prefix)]);
    const to = exact === undefined ? keyAfterPrefix(from) : Buffer.concat([from, Buffer.of(0)]);
    return { from, to, matches: ({ key, value }) => [this.#record(parseRecordKey(key).key, key, value)] };
  }

  #range(index: string, prefix: string, exact: string | undefined): Range<T> {
    if (!Object.hasOwn(this.#definition.indexes, index))
      throw new RangeError(`Cannot scan ${this.#definition.name}: no index "${index}" is declared`);
    const start = indexPrefix(this.#definition.name, index);
    const bounds = exact === undefined ? termRange(start, prefix) : exactRange(start, exact, this.#hash);
    const fits = (term: string) => (exact === undefined ? term.startsWith(prefix) : term === exact);
    return {
      ...bounds,
      matches: (row) => {
        const { key, term } = decoded(row.key, row.key, parseIndexKey);
        const terms = term === undefined ? decoded(row.key, row.value, decodeBucket).map(String) : [term];
        const found = terms.filter(fits);
        const record = found.length > 0 ? this.get(key) : undefined;
        return record === undefined ? [] : found.map(() => record);
      },
    };
  }

  #record(key: string, at: Uint8Array, value: Buffer): TableRecord<T> {
    const { revision, value: found } = decoded(at, value, decodeRecord);
    return { key, value: found as T, revision };
  }

  #recordKey(key: string): Key {
    this.#key.length = 0;
    return this.#key.raw(this.#prefix).raw(Buffer.from(key));
  }

  #rawKey(name: string): Key {
    this.#key.length = 0;
    return this.#key.raw(Buffer.from(name, 'latin1'));
  }

  #revisionKey(): Key {
    return this.#key.meta(`table:${this.#definition.name}`);
  }
}

/** What was given to LMDB for a key and is not committed yet. */
interface Pending {
  /** Undefined where the record is deleted. */
  readonly text: string | undefined;
  readonly revision: number;
}

interface Range<T> {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly matches: (row: Row) => readonly TableRecord<T>[];
}

function recordOf<T>(key: string, { text, revision }: Pending): TableRecord<T> | undefined {
  return text === undefined ? undefined : { key, value: readRecordText(text) as T, revision };
}

function exactRange(start: Buffer, exact: string, hash: TextHash): { from: Buffer; to: Buffer } {
  const from = Buffer.concat([start, termKey(exact, hash).bytes]);
  return { from, to: keyAfterPrefix(from) };
}

/** The least key above the last one of the page before, never before the range of the scan. */
function afterCursor(cursor: string, from: Buffer): Buffer {
  const after = Buffer.concat([Buffer.from(cursor, 'base64url'), Buffer.of(0)]);
  return Buffer.compare(after, from) > 0 ? after : from;
}

function checkNames({ name, indexes }: TableDefinition<never>): void {
  if (!TABLE_NAME.test(name))
    throw new RangeError(
      `Cannot open the table ${JSON.stringify(name)}: expected are 1 to 64 lower-case letters, digits and hyphens`,
    );
  for (const index of Object.keys(indexes)) {
    if (!INDEX_NAME.test(index))
      throw new RangeError(
        `Cannot open the table ${name}: its index ${JSON.stringify(index)} is not named with 1 to 64 letters, digits and hyphens`,
      );
  }
}
