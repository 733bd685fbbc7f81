/** How long to wait before the next attempt: full jitter, so that clients which lost one server do not return at once. */

import type { ReconnectOptions } from './options.ts';

/** The waits between attempts, each at random below a bound that doubles. */
export class BackOff {
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor({ minMs = 1000, maxMs = 300_000 }: ReconnectOptions, random: () => number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const boundMs = Math.min(this.#maxMs, this.#minMs * 2 ** this.#failures);
    if (boundMs < this.#maxMs) this.#failures += 1;
    return this.#random() * boundMs;
  }

  /** A connection held: the waits begin anew. */
  reset(): void {
    this.#failures = 0;
  }
}
