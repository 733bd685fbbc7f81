/**
 * Tables of which every change is written down: the one place that all of them pass. The entry goes to the store before the
 * change, and the store keeps that order: a crash never leaves a change without its entry. A table that nobody has said of
 * what its changes are cannot be opened.
 */
import { type Awaitable, copyPlain, RevisionConflict, type Table, type TableDefinition } from '@dunlin/broker';
import { quoted } from '@dunlin/protocol';
import type { Tables } from '../ports.ts';
import { Turns } from '../turns.ts';
import type { AuditLog } from './audit-log.ts';
import { type ChangeOf, NO_CHANGE } from './change.ts';

/** @throws RangeError of its `table`, for a table that is not among `changes` */
export function auditedTables(
  tables: Tables,
  log: AuditLog,
  changes: Readonly<Record<string, ChangeOf<never>>>,
): Tables {
  return {
    table<T>(definition: TableDefinition<T>): Table<T> {
      const { name } = definition;
      if (!Object.hasOwn(changes, name))
        throw new RangeError(
          `Cannot open the table ${quoted(name)}: what the audit log says of its changes is expected`,
        );
      const table = tables.table(definition);
      return changes[name] === NO_CHANGE ? table : new AuditedTable(table, name, log, changes[name] as ChangeOf<T>);
    },
  };
}

class AuditedTable<T> implements Table<T> {
  readonly #table: Table<T>;
  readonly #name: string;
  readonly #log: AuditLog;
  readonly #changeOf: ChangeOf<T>;
  /** By key of the record: a write has to know what the one before has left. */
  readonly #turns = new Turns();

  constructor(table: Table<T>, name: string, log: AuditLog, changeOf: ChangeOf<T>) {
    this.#table = table;
    this.#name = name;
    this.#log = log;
    this.#changeOf = changeOf;
  }

  get(key: string): ReturnType<Table<T>['get']> {
    return this.#table.get(key);
  }

  put(key: string, value: T, expected?: number): Promise<number> {
    // It is its owner's again when this returns, and may have to wait.
    const own = copyPlain(value);
    return this.#turns.run(key, () => this.#write(key, expected, own, () => this.#table.put(key, own, expected)));
  }

  delete(key: string, expected?: number): Promise<boolean> {
    return this.#turns.run(key, () => this.#write(key, expected, undefined, () => this.#table.delete(key, expected)));
  }

  scan(...scan: Parameters<Table<T>['scan']>): ReturnType<Table<T>['scan']> {
    return this.#table.scan(...scan);
  }

  watch(...watched: Parameters<Table<T>['watch']>): () => void {
    return this.#table.watch(...watched);
  }

  close(): Promise<void> {
    return this.#table.close();
  }

  /** @throws RevisionConflict before anything is written down */
  async #write<Result>(
    key: string,
    expected: number | undefined,
    value: T | undefined,
    write: () => Promise<Result>,
  ): Promise<Result> {
    const read: Awaitable<Awaited<ReturnType<Table<T>['get']>>> = this.#table.get(key);
    const before = read instanceof Promise ? await read : read;
    const revision = before?.revision ?? 0;
    if (expected !== undefined && expected !== revision)
      throw new RevisionConflict(this.#name, key, expected, revision);
    const change = before === undefined && value === undefined ? undefined : this.#changeOf(before?.value, value, key);
    if (change === undefined) return write();
    const recorded = this.#log.note(change);
    const { stored, withdraw } = recorded instanceof Promise ? await recorded : recorded;
    const [entry, written] = await Promise.allSettled([stored, write()]);
    if (written.status === 'rejected') {
      withdraw();
      throw written.reason;
    }
    if (entry.status === 'rejected') throw entry.reason;
    return written.value;
  }
}
