/** The audit log: who changed what and when, as many entries as the configuration keeps. */
import { type Clock, RevisionConflict, type Table, type TableDefinition } from '@dunlin/broker';
import { fromCursor, toCursor } from './page-cursor.ts';

export interface AuditEntry {
  /** Rises by one with each. */
  readonly number: number;
  /** Wall clock. */
  readonly atMs: number;
  /** As `Caller.by`. */
  readonly by: string;
  /** Where it came from; empty: from this machine, by the control socket. */
  readonly address: string;
  readonly requestId: string;
  /** What was done, such as `device.change`. */
  readonly action: string;
  /** Id of what it was done to. */
  readonly target: string;
  /** What it was before and after, without secrets; absent where there was or is nothing, or it would say no more. */
  readonly before?: unknown;
  readonly after?: unknown;
}

export const AUDIT_TABLE: TableDefinition<AuditEntry> = { name: 'audit', indexes: {} };

const NUMBER_MAX = 10 ** 15 - 1;
const ATTEMPTS_MAX = 100;
/** Of those that are too many since the limit was lowered, with each new entry. */
const SURPLUS_REMOVED = 10;

/** The newest first: tables are read forward. */
function keyOf(number: number): string {
  return String(NUMBER_MAX - number).padStart(15, '0');
}

export class AuditLog {
  readonly #table: Table<AuditEntry>;
  readonly #clock: Clock;
  readonly #entriesMax: number;
  #last: number;
  /** Where entries may lie that are too many; 0: nowhere. */
  #surplus: number;

  private constructor(table: Table<AuditEntry>, clock: Clock, entriesMax: number, last: number) {
    this.#table = table;
    this.#clock = clock;
    this.#entriesMax = entriesMax;
    this.#last = last;
    this.#surplus = Math.max(0, last - entriesMax);
  }

  /** Reads one entry, however many there are. */
  static async open(table: Table<AuditEntry>, clock: Clock, entriesMax: number): Promise<AuditLog> {
    const { records } = await table.scan({ limit: 1 });
    return new AuditLog(table, clock, entriesMax, records[0]?.value.number ?? 0);
  }

  /** Settles when the entry is stored. The oldest makes room. */
  async add(entry: Omit<AuditEntry, 'number' | 'atMs'>): Promise<void> {
    const number = await this.#put(entry);
    const oldest = number - this.#entriesMax;
    if (oldest > 0) await this.#table.delete(keyOf(oldest));
    await this.#removeSurplus();
  }

  /** One page, the newest entry first. @throws ApiProblem cursor-invalid */
  async list(limit: number, cursor?: string): Promise<{ entries: readonly AuditEntry[]; cursor: string | undefined }> {
    const page = await fromCursor(cursor, (at) => this.#table.scan({ limit, cursor: at }));
    return { entries: page.records.map(({ value }) => value), cursor: toCursor(page.cursor) };
  }

  async #put(entry: Omit<AuditEntry, 'number' | 'atMs'>): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      const number = ++this.#last;
      try {
        await this.#table.put(keyOf(number), { number, atMs: this.#clock.nowMs(), ...entry }, 0);
        return number;
      } catch (error) {
        // Another server of the same store took the number.
        if (!(error instanceof RevisionConflict) || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #removeSurplus(): Promise<void> {
    const from = this.#surplus;
    if (from === 0) return;
    this.#surplus = Math.max(0, from - SURPLUS_REMOVED);
    for (let number = from; number > this.#surplus; number--)
      if (!(await this.#table.delete(keyOf(number)))) {
        this.#surplus = 0;
        return;
      }
  }
}
