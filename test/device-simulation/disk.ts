/**
 * The tables of a server, as LMDB has them: writes are committed in order and in groups, reads see what is committed,
 * compare-and-set what is on its way too. A crash keeps a beginning of what was on its way, and nobody hears of it.
 */
import {
  MemoryTable,
  RevisionConflict,
  type Table,
  type TableDefinition,
  type TableRecord,
} from '../../packages/broker/src/index.ts';
import type { Tables } from '../../packages/devices/src/ports.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';

interface Stored {
  readonly revision: number;
  readonly value: unknown;
}

interface Write {
  readonly table: string;
  readonly key: string;
  readonly stored: Stored | undefined;
  readonly resolve: () => void;
}

export interface DiskOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  /** Mean time of a commit. */
  readonly commitMs: number;
  readonly slowReads: number;
  /** A record is committed. */
  readonly committed: (table: string, key: string, before: unknown, after: unknown) => void;
}

export class Disk {
  readonly #options: DiskOptions;
  readonly #tables = new Map<string, MemoryTable<Stored>>();
  /** In the order of the calls. */
  #underWay: Write[] = [];
  #isCommitting = false;
  #process = 0;
  #revision = 0;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  /** The tables as one process has them. */
  open(): Tables {
    const process = this.#process;
    return { table: <T>(definition: TableDefinition<T>) => this.#table(definition, process) };
  }

  /** What is committed under a key. */
  kept(table: string, key: string): unknown {
    return this.#tables.get(table)?.get(key)?.value.value;
  }

  /** What will be there when all that was written is committed. */
  newest(table: string, key: string): unknown {
    return this.#newest(table, key)?.value;
  }

  /** All that is committed in a table. */
  all(table: string): readonly unknown[] {
    return (this.#tables.get(table)?.scan({ limit: 1_000_000 }).records ?? []).map(({ value }) => value.value);
  }

  /** The process ends without a word. */
  crash(): void {
    this.#process += 1;
    const { random } = this.#options;
    for (const write of this.#underWay.slice(0, random.between(0, this.#underWay.length))) this.#commit(write);
    this.#underWay = [];
    this.#isCommitting = false;
  }

  #table<T>(definition: TableDefinition<T>, process: number): Table<T> {
    const { name } = definition;
    const indexes = Object.entries(definition.indexes).map(([index, termsOf]) => [
      index,
      ({ value }: Stored) => termsOf(value as T),
    ]);
    const kept = this.#tables.get(name) ?? new MemoryTable<Stored>({ name, indexes: Object.fromEntries(indexes) });
    this.#tables.set(name, kept);
    const recordOf = (found: TableRecord<Stored>): TableRecord<T> => ({
      key: found.key,
      value: found.value.value as T,
      revision: found.value.revision,
    });
    return {
      get: (key) =>
        this.#read(process, () => {
          const found = kept.get(key);
          return found && recordOf(found);
        }),
      scan: (scan) =>
        this.#read(process, () => {
          const { records, cursor } = kept.scan(scan);
          return { records: records.map(recordOf), cursor };
        }),
      put: async (key, value, expected) => {
        this.#expect(name, key, expected);
        const stored = { revision: ++this.#revision, value: structuredClone(value) };
        await this.#write(process, name, key, stored);
        return stored.revision;
      },
      delete: async (key, expected) => {
        if (this.#expect(name, key, expected) === undefined) return false;
        await this.#write(process, name, key, undefined);
        return true;
      },
      watch: () => () => {},
      close: async () => {},
    };
  }

  #read<T>(process: number, read: () => T): T | Promise<T> {
    const { time, random, slowReads } = this.#options;
    if (!random.chance(slowReads)) return read();
    return new Promise((resolve) => {
      time.after(random.between(0, 5), () => {
        if (process === this.#process) resolve(read());
      });
    });
  }

  #expect(table: string, key: string, expected: number | undefined): Stored | undefined {
    const found = this.#newest(table, key);
    const actual = found?.revision ?? 0;
    if (expected !== undefined && expected !== actual) throw new RevisionConflict(table, key, expected, actual);
    return found;
  }

  #newest(table: string, key: string): Stored | undefined {
    const write = this.#underWay.findLast((each) => each.table === table && each.key === key);
    return write === undefined ? this.#tables.get(table)?.get(key)?.value : write.stored;
  }

  #write(process: number, table: string, key: string, stored: Stored | undefined): Promise<void> {
    // Who was killed writes nothing more, and waits for ever.
    if (process !== this.#process) return new Promise(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#underWay.push({ table, key, stored, resolve });
    this.#begin();
    return promise;
  }

  /** One commit at a time; what comes meanwhile is in the next one. */
  #begin(): void {
    if (this.#isCommitting || this.#underWay.length === 0) return;
    this.#isCommitting = true;
    const { time, random, commitMs } = this.#options;
    const process = this.#process;
    const count = this.#underWay.length;
    time.after(commitMs === 0 ? 0 : random.wait(commitMs), () => {
      if (process !== this.#process) return;
      const group = this.#underWay.splice(0, count);
      for (const write of group) this.#commit(write);
      for (const { resolve } of group) resolve();
      this.#isCommitting = false;
      this.#begin();
    });
  }

  #commit({ table, key, stored }: Write): void {
    const kept = this.#tables.get(table) as MemoryTable<Stored>;
    this.#options.committed(table, key, kept.get(key)?.value.value, stored?.value);
    // In memory both are done when the call returns.
    void (stored === undefined ? kept.delete(key) : kept.put(key, stored));
  }
}
