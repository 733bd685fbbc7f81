/** Time that passes when a test says so. */
import type { Clock, Timer } from '@dunlin/broker';

export class TestClock implements Clock {
  #nowMs: number;
  readonly #timers = new Set<{ dueAtMs: number; readonly delayMs: number; readonly run: () => void }>();

  constructor(nowMs = 1_800_000_000_000) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = { dueAtMs: this.#nowMs + delayMs, delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  endOfTurn(run: () => void): void {
    queueMicrotask(run);
  }

  /** Timers that are not cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Calls what is due on the way, in order. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ dueAtMs }) => dueAtMs <= endMs)
        .sort((one, other) => one.dueAtMs - other.dueAtMs);
      if (next === undefined) break;
      this.#nowMs = next.dueAtMs;
      next.dueAtMs += next.delayMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}
