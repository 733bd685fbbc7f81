/**
 * When tokens were used last. Nobody waits for that to be stored, so what comes within a few seconds is written together: a
 * fleet that comes back after a restart costs few commits, and none of it stands in the way of letting devices in.
 */
import { type Clock, RevisionConflict, type Table, type Timer } from '@dunlin/broker';
import type { ServiceParts } from '../ports.ts';
import type { StoredTokens } from './stored-tokens.ts';

/** A crash forgets the uses of so many milliseconds. */
const WRITTEN_EVERY_MS = 10_000;
/** Devices whose uses wait at the most; those beyond make the others be written at once. */
const WAITING_MAX = 50_000;
/** Devices that are written in one turn. */
const SLICE = 200;

interface Use {
  readonly tokenId: string;
  readonly atMs: number;
}

export class TokenUses {
  readonly #table: Table<StoredTokens>;
  readonly #tell: ServiceParts['tell'];
  readonly #clock: Clock;
  /** While something waits. */
  #timer: Timer | undefined;
  /** The last use of each device that is not written yet. */
  #waiting = new Map<string, Use>();
  #writing: Promise<void> = Promise.resolve();

  constructor(table: Table<StoredTokens>, clock: Clock, tell: ServiceParts['tell']) {
    this.#table = table;
    this.#tell = tell;
    this.#clock = clock;
  }

  /** `atMs`: wall clock. Of two tokens that a device uses within seconds, one is written. */
  note(deviceId: string, tokenId: string, atMs: number): void {
    this.#waiting.set(deviceId, { tokenId, atMs });
    this.#timer ??= this.#clock.every(WRITTEN_EVERY_MS, () => void this.write());
    if (this.#waiting.size >= WAITING_MAX) void this.write();
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

  async #writeAll(uses: readonly (readonly [deviceId: string, use: Use])[]): Promise<void> {
    for (let from = 0; from < uses.length; from += SLICE)
      await Promise.all(uses.slice(from, from + SLICE).map(([deviceId, use]) => this.#writeOne(deviceId, use)));
  }

  async #writeOne(deviceId: string, { tokenId, atMs }: Use): Promise<void> {
    try {
      const read = this.#table.get(deviceId);
      const record = read instanceof Promise ? await read : read;
      // It may have been revoked meanwhile.
      if (!record?.value.tokens.some(({ id }) => id === tokenId)) return;
      const tokens = record.value.tokens.map((one) => (one.id === tokenId ? { ...one, lastUsedAtMs: atMs } : one));
      await this.#table.put(deviceId, { ...record.value, tokens }, record.revision);
    } catch (error) {
      // Whoever came first has the tokens as they are; the next use is written.
      if (!(error instanceof RevisionConflict)) this.#tell({ name: 'deviceServiceFailed', error: String(error) });
    }
  }
}
