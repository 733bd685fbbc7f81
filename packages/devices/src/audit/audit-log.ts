/** The audit log: who changed what and when, as many entries as the configuration keeps. */
import type { Awaitable, Clock, Table, TableDefinition } from '@dunlin/broker';
import { type Actor, actingForService, currentActor } from '../actor.ts';
import { boundedPage, type PageEnd } from '../lists/bounded-page.ts';
import { RoomNotice } from '../room-notice.ts';
import type { Change, MadeChange } from './change.ts';
import { currentGathering } from './gathering.ts';

export interface AuditEntry extends Actor, Change {
  /** Rises with each. */
  readonly number: number;
  /** Wall clock. */
  readonly atMs: number;
}

export const AUDIT_TABLE: TableDefinition<AuditEntry> = { name: 'audit', indexes: {} };
/** For a log of what somebody tried and may not. */
export const REFUSALS_TABLE: TableDefinition<AuditEntry> = { name: 'audit-refusals', indexes: {} };

export interface AuditOptions {
  readonly clock: Clock;
  readonly entriesMax: number;
  /** Told when entries made room, at most once an hour: how many did since it was told before. */
  readonly madeRoom: (entries: number) => void;
}

/** Of several conditions all have to hold. */
export interface AuditQuery {
  readonly by?: string;
  readonly action?: string;
  readonly target?: string;
  /** Wall clock, from here on. */
  readonly sinceMs?: number;
  /** Wall clock, before this. */
  readonly beforeMs?: number;
}

export interface AuditPage extends PageEnd {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
}

/** An entry on its way. */
export interface Recorded {
  /** Settles when it survives a crash. */
  readonly stored: Promise<void>;
  /** Takes it back, where the change did not come to be. */
  readonly withdraw: () => void;
}

const NUMBER_MAX = 10 ** 15 - 1;
/** Of those that are too many since the limit was lowered, with each new entry. */
const SURPLUS_REMOVED = 10;

/** The newest first: tables are read forward. */
function keyOf(number: number): string {
  return String(NUMBER_MAX - number).padStart(15, '0');
}

/** By time no end is drawn: a clock that was set back leaves later times behind earlier ones. */
function isWanted({ by, action, target, atMs }: AuditEntry, query: AuditQuery): boolean {
  return (
    (query.by === undefined || by === query.by) &&
    (query.action === undefined || action === query.action) &&
    (query.target === undefined || target === query.target) &&
    atMs >= (query.sinceMs ?? 0) &&
    atMs < (query.beforeMs ?? Number.POSITIVE_INFINITY)
  );
}

/** One of a table. */
export class AuditLog {
  readonly #table: Table<AuditEntry>;
  readonly #options: AuditOptions;
  #last: number;
  /** Where entries may lie that are too many; 0: nowhere. */
  #surplus: number;
  readonly #notice: RoomNotice;
  readonly #removing = new Set<Promise<unknown>>();

  private constructor(table: Table<AuditEntry>, options: AuditOptions, last: number) {
    this.#table = table;
    this.#options = options;
    this.#last = last;
    this.#surplus = Math.max(0, last - options.entriesMax);
    this.#notice = new RoomNotice(options.clock, options.madeRoom);
  }

  /** Reads one entry, however many there are. The table is its own from here on. */
  static async open(table: Table<AuditEntry>, options: AuditOptions): Promise<AuditLog> {
    const { records } = await table.scan({ limit: 1 });
    return new AuditLog(table, options, records[0]?.value.number ?? 0);
  }

  /** Writes a change of whoever is acting down, among others where those are gathered. */
  note({ isOfTime, ...change }: MadeChange): Awaitable<Recorded> {
    if (isOfTime) return actingForService(() => this.record(change));
    const gathering = currentGathering();
    return gathering === undefined ? this.record(change) : gathering.add(change, this);
  }

  /**
   * Writes an entry of its own: it is on its way when this returns. The oldest makes room. `number`: of one that `take` gave,
   * whose entry it replaces.
   */
  record(change: Change, number = this.take()): Recorded {
    const { by, proof, address, requestId } = currentActor();
    const key = keyOf(number);
    const atMs = this.#options.clock.nowMs();
    const who = { by, ...(proof !== undefined && { proof }), address, requestId };
    const stored = this.#table.put(key, { number, atMs, ...who, ...change }).then(() => undefined);
    this.#makeRoom(number);
    return { stored, withdraw: () => this.#do(this.#table.delete(key)) };
  }

  /** The next number. */
  take(): number {
    this.#last += 1;
    return this.#last;
  }

  /** One page, which looks at 5,000 entries at the most. @throws DeviceError 'invalid', 'cursor-invalid' */
  async list(limit: number, cursor?: string, query: AuditQuery = {}): Promise<AuditPage> {
    const { items: entries, ...end } = await boundedPage<AuditEntry, AuditEntry>({
      ...{ clock: this.#options.clock, index: 'number', cursor, limit },
      scan: (most, at) => this.#table.scan({ limit: most, ...(at !== undefined && { cursor: at }) }),
      look: ({ value }) => (isWanted(value, query) ? value : undefined),
    });
    return { entries, ...end };
  }

  /** Settles when nothing is under way. */
  async close(): Promise<void> {
    await Promise.all(this.#removing);
    await this.#table.close();
  }

  /** Nobody waits for it: one entry too many for a moment harms nobody, and what is left is removed with the next. */
  #makeRoom(number: number): void {
    const oldest = number - this.#options.entriesMax;
    if (oldest > 0) this.#remove(oldest);
    const from = this.#surplus;
    this.#surplus = Math.max(0, from - SURPLUS_REMOVED);
    for (let surplus = from; surplus > this.#surplus; surplus--) this.#remove(surplus);
  }

  #remove(number: number): void {
    this.#do(this.#table.delete(keyOf(number)).then((was) => was && this.#notice.madeRoom()));
  }

  /** A table that fails tells so to whoever writes next. */
  #do(work: Promise<unknown>): void {
    const done = work.catch(() => undefined).finally(() => this.#removing.delete(done));
    this.#removing.add(done);
  }
}
