/** The Table that remembers as long as the process lives. */

import { copyPlain } from '../plain-data.ts';
import type { TablePage, TableRecord, TableScan } from '../table.ts';
import { RevisionConflict, type Table, type TableChange, type TableDefinition } from '../table.ts';
import { compareTerms, type OrderedTerm, OrderedTerms } from './ordered-terms.ts';

const keyBytesMax = 480;

interface Watcher<T> {
  readonly prefix: string;
  readonly listener: (change: TableChange<T>) => void;
}

/** Keeps a copy of each value it is given; writes are there when the call returns, watchers are told before it does. */
export class MemoryTable<T> implements Table<T> {
  readonly #definition: TableDefinition<T>;
  readonly #records = new Map<string, TableRecord<T>>();
  readonly #keys = new OrderedTerms();
  readonly #indexes: ReadonlyMap<string, OrderedTerms>;
  readonly #watchers = new Set<Watcher<T>>();
  #revision = 0;

  constructor(definition: TableDefinition<T>) {
    this.#definition = definition;
    this.#indexes = new Map(Object.keys(definition.indexes).map((name) => [name, new OrderedTerms()]));
  }

  get(key: string): TableRecord<T> | undefined {
    return this.#records.get(key);
  }

  async put(key: string, value: T, expected?: number): Promise<number> {
    const bytes = Buffer.byteLength(key);
    if (bytes < 1 || bytes > keyBytesMax)
      throw new RangeError(
        `Cannot write to ${this.#definition.name}: a key has 1 to ${keyBytesMax} bytes, not ${bytes}`,
      );
    const before = this.#expect(key, expected);
    const record = { key, value: copyPlain(value), revision: ++this.#revision };
    if (before === undefined) this.#keys.add({ term: key, key });
    else this.#unindex(before);
    this.#records.set(key, record);
    for (const [name, entry] of this.#terms(record)) this.#indexes.get(name)?.add(entry);
    this.#tell({ key, record });
    return record.revision;
  }

  async delete(key: string, expected?: number): Promise<boolean> {
    const before = this.#expect(key, expected);
    if (before === undefined) return false;
    this.#unindex(before);
    this.#keys.remove({ term: key, key });
    this.#records.delete(key);
    this.#revision++;
    this.#tell({ key, record: undefined });
    return true;
  }

  scan({ index, prefix = '', exact, cursor, limit }: TableScan): TablePage<T> {
    const terms = index === undefined ? this.#keys : this.#indexes.get(index);
    if (terms === undefined)
      throw new RangeError(`Cannot scan ${this.#definition.name}: no index "${index}" is declared`);
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const records: TableRecord<T>[] = [];
    let last: OrderedTerm | undefined;
    for (const entry of terms.from(after ?? { term: exact ?? prefix, key: '' })) {
      if (after !== undefined && compareTerms(entry, after) === 0) continue;
      if (exact === undefined ? !entry.term.startsWith(prefix) : entry.term !== exact) break;
      if (last !== undefined && records.length >= limit)
        return { records, cursor: JSON.stringify([last.term, last.key]) };
      const record = this.#records.get(entry.key);
      if (record !== undefined) records.push(record);
      last = entry;
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
  }

  /** The record as it is, if its revision is the expected one. */
  #expect(key: string, expected: number | undefined): TableRecord<T> | undefined {
    const record = this.#records.get(key);
    const actual = record?.revision ?? 0;
    if (expected !== undefined && expected !== actual)
      throw new RevisionConflict(this.#definition.name, key, expected, actual);
    return record;
  }

  #unindex(record: TableRecord<T>): void {
    for (const [name, entry] of this.#terms(record)) this.#indexes.get(name)?.remove(entry);
  }

  *#terms({ key, value }: TableRecord<T>): Iterable<[index: string, entry: OrderedTerm]> {
    for (const [name, termsOf] of Object.entries(this.#definition.indexes))
      for (const term of new Set(termsOf(value))) yield [name, { term, key }];
  }

  #tell(change: TableChange<T>): void {
    for (const { prefix, listener } of this.#watchers) if (change.key.startsWith(prefix)) listener(change);
  }
}

function parseCursor(cursor: string): OrderedTerm {
  const [term, key] = textsOf(cursor);
  if (typeof term === 'string' && typeof key === 'string') return { term, key };
  throw new RangeError('Cannot go on with a scan: the cursor is none that a page has returned');
}

function textsOf(cursor: string): unknown[] {
  try {
    const parts: unknown = JSON.parse(cursor);
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}
