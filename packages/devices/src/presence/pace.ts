/** What comes close together begins together: then its reads, writes and publications share commits. */
import type { Clock, Timer } from '@dunlin/broker';

export class Pace {
  readonly #clock: Clock;
  readonly #everyMs: number;
  #waiting: (() => void)[] = [];
  /** While it runs, something began less than `everyMs` ago. */
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock;
    this.#everyMs = everyMs;
  }

  /** Calls `begin` at once where nothing began within the last `everyMs`, else together with all others that wait. */
  begin(begin: () => void): void {
    if (this.#timer !== undefined) {
      this.#waiting.push(begin);
      return;
    }
    if (!this.#isClosed) this.#timer = this.#clock.every(this.#everyMs, () => this.#next());
    begin();
  }

  /** Nothing waits any more, from here on. */
  close(): void {
    this.#isClosed = true;
    this.#next();
  }

  #next(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0 || this.#isClosed) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    for (const begin of waiting) begin();
  }
}
