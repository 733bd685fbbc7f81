/** Counts by key that begin anew some time after their first. */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from './bounded-map.ts';

export class WindowedCounts {
  readonly #clock: Clock;
  readonly #windowMs: number;
  readonly #counts: BoundedMap<{ count: number; readonly sinceMs: number }>;

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
  add(key: string): number {
    const entry = this.#entry(key) ?? { count: 0, sinceMs: this.#clock.steadyMs() };
    entry.count += 1;
    this.#counts.set(key, entry);
    return entry.count;
  }

  reset(key: string): void {
    this.#counts.delete(key);
  }

  #entry(key: string): { count: number; readonly sinceMs: number } | undefined {
    const entry = this.#counts.get(key);
    if (entry === undefined || this.#clock.steadyMs() - entry.sinceMs < this.#windowMs) return entry;
    this.#counts.delete(key);
    return undefined;
  }
}
