/** Room for what has ended: so many records and bytes of one table; the oldest make room for others before their time. */
import { type Clock, RevisionConflict, type Table, type TableRecord } from '@dunlin/broker';
import { RoomNotice } from '../room-notice.ts';

/** Wall clock; undefined: it has not ended. */
interface Ending {
  readonly endedAtMs: number | undefined;
}

export interface HistoryRoomOptions<T extends Ending> {
  /** Its index `ended` has what has ended, the oldest first. */
  readonly table: Table<T>;
  readonly clock: Clock;
  readonly recordsMax: number;
  /** Of the records as JSON. */
  readonly bytesMax: number;
  /** Told when some made room, at most once an hour: how many did since it was told before. */
  readonly madeRoom: (records: number) => void;
  readonly failed: (error: unknown) => void;
}

const PAGE = 100;

export class HistoryRoom<T extends Ending> {
  readonly #options: HistoryRoomOptions<T>;
  readonly #notice: RoomNotice;
  #records = 0;
  #bytes = 0;
  #counting: Promise<void> = Promise.resolve();
  #making: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: HistoryRoomOptions<T>) {
    this.#options = options;
    this.#notice = new RoomNotice(options.clock, options.madeRoom);
  }

  /** Counts what there is, which nobody has to wait for. */
  begin(): void {
    this.#counting = this.#count(this.#options.clock.nowMs()).catch((error) => this.#failed(error));
  }

  /** One has ended, and is stored. */
  ended(value: T): void {
    this.#records += 1;
    this.#bytes += bytesOf(value);
    this.#makeRoom();
  }

  /** Forgets one, if it is still there as it was. */
  async forget({ key, value, revision }: TableRecord<T>): Promise<boolean> {
    try {
      if (!(await this.#options.table.delete(key, revision))) return false;
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      return false;
    }
    this.#records -= 1;
    this.#bytes -= bytesOf(value);
    return true;
  }

  /** Settles when nothing is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#counting;
    await this.#making;
  }

  async #count(untilMs: number): Promise<void> {
    const { table, clock } = this.#options;
    let cursor: string | undefined;
    do {
      const page = await table.scan({ index: 'ended', limit: PAGE, ...(cursor !== undefined && { cursor }) });
      for (const { value } of page.records) {
        // What ended since was told.
        if ((value.endedAtMs ?? Infinity) > untilMs) continue;
        this.#records += 1;
        this.#bytes += bytesOf(value);
      }
      cursor = page.cursor;
      if (cursor !== undefined) await new Promise<void>((resolve) => clock.endOfTurn(resolve));
    } while (cursor !== undefined && !this.#isClosed);
    this.#makeRoom();
  }

  get #isOver(): boolean {
    return this.#records > this.#options.recordsMax || this.#bytes > this.#options.bytesMax;
  }

  #makeRoom(): void {
    if (!this.#isOver || this.#making !== undefined || this.#isClosed) return;
    this.#making = this.#forgetOldest()
      .catch((error) => this.#failed(error))
      .finally(() => {
        this.#making = undefined;
      });
  }

  async #forgetOldest(): Promise<void> {
    while (this.#isOver && !this.#isClosed) {
      const { records } = await this.#options.table.scan({ index: 'ended', limit: PAGE });
      // What was just told may not be found yet: the next one makes room.
      if (records.length === 0) return;
      for (const record of records) {
        if (!this.#isOver) return;
        if (await this.forget(record)) this.#notice.madeRoom();
      }
    }
  }

  #failed(error: unknown): void {
    // Tables refuse what is under way when they close.
    if (!this.#isClosed) this.#options.failed(error);
  }
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
