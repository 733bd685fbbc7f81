/** Lets so many connections a second through a listener; the others wait where the system keeps them. */
import type { Clock, Timer } from '@dunlin/broker';
import type { Hold } from './held-listener.ts';

const secondMs = 1_000;

/** The rate of one listener entry, over all of its addresses. */
export class ConnectionRate {
  readonly #clock: Clock;
  readonly #perSecondMax: number;
  readonly #holds: readonly Hold[];
  #taken = 0;
  #secondEndsAtMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, perSecondMax: number, holds: readonly Hold[]) {
    this.#clock = clock;
    this.#perSecondMax = perSecondMax;
    this.#holds = holds;
  }

  /** Call for each connection that was accepted. */
  letIn(): void {
    const nowMs = this.#clock.steadyMs();
    if (nowMs >= this.#secondEndsAtMs) {
      this.#secondEndsAtMs = nowMs + secondMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    if (this.#taken < this.#perSecondMax || this.#timer !== undefined) return;
    for (const hold of this.#holds) hold.pause();
    this.#timer = this.#clock.every(this.#secondEndsAtMs - nowMs, () => this.#resume());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #resume(): void {
    this.close();
    this.#taken = 0;
    this.#secondEndsAtMs = this.#clock.steadyMs() + secondMs;
    for (const hold of this.#holds) {
      hold.resume();
      // Those that waited may have used the second up again.
      if (this.#timer !== undefined) return;
    }
  }
}
