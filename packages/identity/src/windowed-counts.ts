/** Counts by key that begin anew some time after their first, and know whether all was counted at one place. */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from './bounded-map.ts';

interface Entry {
  count: number;
  readonly sinceMs: number;
  /** Undefined: no place, or several. */
  place: string | undefined;
}

export class WindowedCounts {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #counts: BoundedMap<Entry>;

  /** Of more than `keysMax` keys the one that was not touched for the longest time is forgotten. */
  constructor(clock: Clock, windowMs: number, keysMax: number) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#counts = new BoundedMap(keysMax);
  }

  get(key: string): number {
    return this.#entry(key)?.count ?? 0;
  }

  /** Returns the new count. */
  add(key: string, place?: string): number {
    const entry = this.#entry(key) ?? { count: 0, sinceMs: this.#clock.steadyMs(), place };
    entry.count += 1;
    if (entry.place !== place) entry.place = undefined;
    this.#counts.set(key, entry);
    return entry.count;
  }

  reset(key: string): void {
    this.#counts.delete(key);
  }

  /** The same where all was counted at that place; else nothing. */
  resetOf(key: string, place: string): void {
    if (this.#entry(key)?.place === place) this.#counts.delete(key);
  }

  #entry(key: string): Entry | undefined {
    const entry = this.#counts.get(key);
    if (entry === undefined || this.#clock.steadyMs() - entry.sinceMs < this.#windowMs) return entry;
    this.#counts.delete(key);
    return undefined;
  }
}
