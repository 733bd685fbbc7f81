/** What time does to commands: those that were not confirmed expire, and those that ended long ago are forgotten. */
import type { Clock, Table, TableRecord, Timer } from '@dunlin/broker';
import type { Command } from './command.ts';

const EXPIRY_EACH_MS = 1_000;
const HISTORY_EACH_MS = 60_000;
/** Commands that are looked at in one turn. */
const PAGE = 100;

export interface CommandSweepOptions {
  readonly table: Table<Command>;
  readonly clock: Clock;
  readonly historyMs: number;
  /** Has the command expire, if it is time. */
  readonly expire: (id: string) => Promise<unknown>;
  /** Forgets one that ended long ago. */
  readonly forget: (record: TableRecord<Command>) => Promise<unknown>;
  readonly failed: (error: unknown) => void;
}

export class CommandSweep {
  readonly #options: CommandSweepOptions;
  readonly #timers: readonly Timer[];
  readonly #running = new Map<'expires' | 'ended', Promise<void>>();
  #isClosed = false;

  constructor(options: CommandSweepOptions) {
    this.#options = options;
    const { clock } = options;
    this.#timers = [
      clock.every(EXPIRY_EACH_MS, () => this.#run('expires')),
      clock.every(HISTORY_EACH_MS, () => this.#run('ended')),
    ];
  }

  /** Settles when nothing is under way any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    await Promise.all(this.#running.values());
  }

  #run(index: 'expires' | 'ended'): void {
    if (this.#running.has(index)) return;
    const run = this.#walk(index)
      .catch(this.#options.failed)
      .finally(() => this.#running.delete(index));
    this.#running.set(index, run);
  }

  async #walk(index: 'expires' | 'ended'): Promise<void> {
    const { table, clock, historyMs, expire, forget } = this.#options;
    const untilMs = index === 'expires' ? clock.nowMs() : clock.nowMs() - historyMs;
    const isDue = ({ value }: TableRecord<Command>) =>
      (index === 'expires' ? value.expiresAtMs : (value.endedAtMs ?? Infinity)) <= untilMs;
    let cursor: string | undefined;
    do {
      const page = await table.scan({ index, limit: PAGE, ...(cursor !== undefined && { cursor }) });
      const due = page.records.filter(isDue);
      await Promise.all(due.map((record) => (index === 'expires' ? expire(record.key) : forget(record))));
      // In order of time: behind one that is not due yet there is none.
      cursor = due.length < page.records.length ? undefined : page.cursor;
      if (cursor !== undefined) await new Promise<void>((resolve) => clock.endOfTurn(resolve));
    } while (cursor !== undefined && !this.#isClosed);
  }
}
