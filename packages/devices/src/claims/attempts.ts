/** Who has tried how often lately: a count for each name within a window, taken before a try so that a burst gains nothing. */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from '@dunlin/identity';

interface Count {
  taken: number;
  readonly sinceMs: number;
}

/** Whoever came longest ago is forgotten first. */
const NAMES_MAX = 50_000;

export class Attempts {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #most: number;
  readonly #counts = new BoundedMap<Count>(NAMES_MAX);

  /** `most`: tries of one name from the first on for `windowMs`. */
  constructor(clock: Clock, windowMs: number, most: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#most = most;
  }

  /** Counts a try; false where there were as many as there may be, which then is not counted. */
  take(name: string): boolean {
    const count = this.#countOf(name) ?? { taken: 0, sinceMs: this.#clock.steadyMs() };
    if (count.taken >= this.#most) return false;
    count.taken += 1;
    this.#counts.set(name, count);
    return true;
  }

  /** A try that was none after all. */
  giveBack(name: string): void {
    const count = this.#countOf(name);
    if (count !== undefined && count.taken > 0) count.taken -= 1;
  }

  #countOf(name: string): Count | undefined {
    const count = this.#counts.get(name);
    return count !== undefined && this.#clock.steadyMs() - count.sinceMs < this.#windowMs ? count : undefined;
  }
}
