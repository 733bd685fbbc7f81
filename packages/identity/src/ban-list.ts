/** Who is kept out, and for how long. */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from './bounded-map.ts';

export class BanList<Who> {
  readonly #clock: Clock;
  readonly #banMs: number;
  readonly #bans: BoundedMap<{ readonly who: Who; readonly endsAtMs: number }>;

  /** Of more than `bansMax` the one that nobody met for the longest time ends early. */
  constructor(clock: Clock, banMs: number, bansMax: number) {
    this.#clock = clock;
    this.#banMs = banMs;
    this.#bans = new BoundedMap(bansMax);
  }

  add(key: string, who: Who, banMs: number = this.#banMs): void {
    this.#bans.set(key, { who, endsAtMs: this.#clock.steadyMs() + banMs });
  }

  has(key: string): boolean {
    const ban = this.#bans.get(key);
    if (ban === undefined) return false;
    if (ban.endsAtMs > this.#clock.steadyMs()) return true;
    this.#bans.delete(key);
    return false;
  }

  /** Ends a ban; false where there is none. */
  lift(key: string): boolean {
    return this.has(key) && this.#bans.delete(key);
  }

  /** `endsInMs`: whole milliseconds from now. */
  list(): (Who & { readonly endsInMs: number })[] {
    const nowMs = this.#clock.steadyMs();
    return [...this.#bans.entries()]
      .map(([, { who, endsAtMs }]) => ({ ...who, endsInMs: Math.ceil(endsAtMs - nowMs) }))
      .filter(({ endsInMs }) => endsInMs > 0);
  }
}
