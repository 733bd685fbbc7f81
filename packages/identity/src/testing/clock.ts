/** Time that passes when a test says so. */
import type { Clock, Timer } from '@dunlin/broker';

export class TestClock implements Clock {
  #now = 1_000;
  readonly #timers = new Set<{ dueAtMs: number; readonly delayMs: number; readonly run: () => void }>();

  nowMs(): number {
    return 1_799_999_999_000 + this.#now;
  }

  steadyMs(): number {
    return this.#now;
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = { dueAtMs: this.#now + delayMs, delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  endOfTurn(run: () => void): void {
    queueMicrotask(run);
  }

  /** Delays of the timers that run, in milliseconds. */
  get waiting(): number[] {
    return Array.from(this.#timers, ({ dueAtMs }) => dueAtMs - this.#now);
  }

  /** Timers that are not cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  pass(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.dueAtMs > this.#now) continue;
      timer.dueAtMs = this.#now + timer.delayMs;
      timer.run();
    }
  }
}
