/** How many requests of each caller are answered: so many a second, and a second's worth at once. */
import type { Clock } from '@dunlin/broker';
import { BoundedMap } from '@dunlin/identity';

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Who came longest ago is forgotten first, and may come as anybody who never came. */
const CALLERS_MAX = 10_000;

export class RequestRate {
  readonly #clock: Clock;
  readonly #perSecondMax: number;
  readonly #buckets = new BoundedMap<Bucket>(CALLERS_MAX);

  constructor(clock: Clock, perSecondMax: number) {
    this.#clock = clock;
    this.#perSecondMax = perSecondMax;
  }

  /** Whether one more request of the caller is within the rate; it counts then. */
  take(caller: string): boolean {
    const bucket = this.#filled(caller);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** The same, and it does not count. */
  isWithin(caller: string): boolean {
    return this.#filled(caller).tokens >= 1;
  }

  #filled(caller: string): Bucket {
    const nowMs = this.#clock.steadyMs();
    const bucket = this.#buckets.get(caller) ?? { tokens: this.#perSecondMax, filledAtMs: nowMs };
    const gained = ((nowMs - bucket.filledAtMs) / 1_000) * this.#perSecondMax;
    bucket.tokens = Math.min(this.#perSecondMax, bucket.tokens + gained);
    bucket.filledAtMs = nowMs;
    this.#buckets.set(caller, bucket);
    return bucket;
  }
}
