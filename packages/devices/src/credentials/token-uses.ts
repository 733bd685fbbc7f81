/**
 * When tokens were used last. Nobody waits for that to be stored, so what comes within a few seconds is written together, in small
 * records of their own: a fleet that comes back after a restart costs few commits and pages, and nothing of it stands in the way of
 * letting devices in.
 */
import type { Awaitable, Clock, Table, TableDefinition, Timer } from '@dunlin/broker';
import { after } from '../awaitable.ts';
import type { ServiceParts } from '../ports.ts';

/** By the id of a token: when it was used last, wall clock. Also of tokens that are gone, until others need their room. */
export type StoredUses = Readonly<Record<string, number>>;

export const TOKEN_USES: TableDefinition<StoredUses> = { name: 'device-token-uses', indexes: {} };

/** A crash forgets the uses of so many milliseconds. */
const WRITTEN_EVERY_MS = 10_000;
/** What was used within so many milliseconds of what is written is not written again. */
const EXACT_TO_MS = 60_000;
/** Devices whose uses wait at the most; one more has them written at once. */
const WAITING_MAX = 50_000;
/** Devices that are written in one turn. */
const SLICE = 200;
/** Tokens of a device of which it is known, the latest; no device may have as many. */
const TOKENS_MAX = 100;

interface Use {
  readonly tokenId: string;
  readonly atMs: number;
}

export class TokenUses {
  readonly #table: Table<StoredUses>;
  readonly #tell: ServiceParts['tell'];
  readonly #clock: Clock;
  /** While something waits. */
  #timer: Timer | undefined;
  /** The last use of each device that is not written yet. */
  #waiting = new Map<string, Use>();
  #writing: Promise<void> = Promise.resolve();

  constructor({ tables, clock, tell }: ServiceParts) {
    this.#table = tables.table(TOKEN_USES);
    this.#clock = clock;
    this.#tell = tell;
  }

  /** `atMs`: wall clock. Of two tokens that a device uses within seconds, one is written. */
  note(deviceId: string, tokenId: string, atMs: number): void {
    this.#waiting.set(deviceId, { tokenId, atMs });
    this.#timer ??= this.#clock.every(WRITTEN_EVERY_MS, () => void this.write());
    if (this.#waiting.size >= WAITING_MAX) void this.write();
  }

  /** What is stored of a device, exact to a minute. */
  of(deviceId: string): Awaitable<StoredUses> {
    return after(this.#table.get(deviceId), (record) => record?.value ?? {});
  }

  /** The device was removed. */
  async forget(deviceId: string): Promise<void> {
    this.#waiting.delete(deviceId);
    // What is being written may be of this device.
    await this.#writing;
    await this.#table.delete(deviceId);
  }

  /** Settles when every use that was noted is stored, or was told to have failed. */
  write(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#waiting.size > 0) {
      const uses = this.#waiting;
      this.#waiting = new Map();
      this.#writing = this.#writing.then(() => this.#writeAll([...uses]));
    }
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.write();
    await this.#table.close();
  }

  async #writeAll(uses: readonly (readonly [deviceId: string, use: Use])[]): Promise<void> {
    for (let from = 0; from < uses.length; from += SLICE)
      await Promise.all(uses.slice(from, from + SLICE).map(([deviceId, use]) => this.#writeOne(deviceId, use)));
  }

  async #writeOne(deviceId: string, { tokenId, atMs }: Use): Promise<void> {
    try {
      const read = this.of(deviceId);
      const stored = read instanceof Promise ? await read : read;
      if (Math.abs(atMs - (stored[tokenId] ?? -Infinity)) < EXACT_TO_MS) return;
      await this.#table.put(deviceId, latest({ ...stored, [tokenId]: atMs }));
    } catch (error) {
      this.#tell({ name: 'deviceServiceFailed', error: String(error) });
    }
  }
}

function latest(uses: StoredUses): StoredUses {
  const entries = Object.entries(uses);
  if (entries.length <= TOKENS_MAX) return uses;
  return Object.fromEntries(entries.sort(([, one], [, other]) => other - one).slice(0, TOKENS_MAX));
}
