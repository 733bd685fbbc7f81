/**
 * Keeps some files for the process itself: a connection that takes one of the last is closed as it comes, counted and told.
 *
 * Where the last file is gone, Node closes whoever comes without a word to anybody, and no certificate, rule or log can be
 * opened any more. `connectionsMax` leaves room at the start; the limit may be lowered afterwards, or others in the process
 * may need more than was thought.
 */
import type { Clock, Timer } from '@dunlin/broker';

export interface FileReserveOptions {
  readonly clock: Clock;
  /** Undefined where there is no limit, or nobody tells. Asked once a second. */
  readonly limit: () => number | undefined;
  /** The lowest descriptor that is free; infinite where none is. */
  readonly lowestFree: () => number;
  /** Called for each connection that was closed. */
  readonly refused: () => void;
  /** Called when the files are at an end, be it without a connection that was closed. */
  readonly exhausted: (fileLimit: number) => void;
  /** Called when there is room again, with the number of connections that were closed. */
  readonly available: (refused: number) => void;
}

const FILES = 16;
/** Of a small limit no more than this part. */
const SHARE = 1 / 8;
const LOOK_EVERY_MS = 1_000;

export class FileReserve {
  readonly #options: FileReserveOptions;
  readonly #timer: Timer;
  #limit: number | undefined;
  #isExhausted = false;
  #refused = 0;

  constructor(options: FileReserveOptions) {
    this.#options = options;
    this.#limit = options.limit();
    this.#timer = options.clock.every(LOOK_EVERY_MS, () => this.#look());
  }

  /** Whether the connection with this descriptor may stay. The system gives the lowest that is free: all below are taken. */
  isSpare(descriptor: number): boolean {
    const limit = this.#limit;
    if (limit === undefined || descriptor < firstKept(limit)) return true;
    this.#tellExhausted(limit);
    this.#refused += 1;
    this.#options.refused();
    return false;
  }

  close(): void {
    this.#timer.cancel();
  }

  /** The end is told here alone, so that clients which come and go at the limit are no event each. */
  #look(): void {
    this.#limit = this.#options.limit();
    const limit = this.#limit;
    if (limit === undefined) return;
    if (this.#options.lowestFree() >= firstKept(limit)) {
      this.#tellExhausted(limit);
      return;
    }
    if (this.#isExhausted) this.#options.available(this.#refused);
    this.#isExhausted = false;
    this.#refused = 0;
  }

  #tellExhausted(limit: number): void {
    if (!this.#isExhausted) this.#options.exhausted(limit);
    this.#isExhausted = true;
  }
}

/** From this descriptor on they are for the process. */
function firstKept(limit: number): number {
  return limit - Math.min(FILES, Math.ceil(limit * SHARE));
}
