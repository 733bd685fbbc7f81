/** Time that goes on only when a test says so. */

import type { Environment } from '../environment.ts';

interface Timer {
  readonly atMs: number;
  readonly call: () => void;
}

/** An environment whose timers fire in `advance`; those of 0 ms fire in the next turn of the event loop. */
export class VirtualEnvironment implements Environment {
  now = 0;
  /** What `random` gives. */
  chance = 0.5;
  readonly #timers = new Set<Timer>();

  nowMs = (): number => this.now;
  wallClockMs = (): number => 1_000_000_000_000 + this.now;
  random = (): number => this.chance;
  randomBytes = (count: number): Uint8Array => new Uint8Array(count);

  setTimer = (ms: number, call: () => void): (() => void) => {
    if (ms <= 0) {
      const immediate = setImmediate(call);
      return () => clearImmediate(immediate);
    }
    const timer = { atMs: this.now + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Milliseconds until the next timer; undefined where there is none. */
  get nextMs(): number | undefined {
    const times = [...this.#timers].map(({ atMs }) => atMs);
    return times.length === 0 ? undefined : Math.min(...times) - this.now;
  }

  /** Lets so much time pass, timer by timer, and all that follows from each happen. */
  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await turns();
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.now = due.atMs;
      due.call();
      await turns();
    }
    this.now = end;
  }
}

/** Lets everything under way in memory arrive. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
