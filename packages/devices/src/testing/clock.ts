/** Time that passes when a test says so. */
import type { Clock, Timer } from '@dunlin/broker';

export class TestClock implements Clock {
  #nowMs = 1_800_000_000_000;
  readonly #timers = new Set<{ dueAtMs: number; readonly delayMs: number; readonly run: () => void }>();

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

  /** Calls what is due on the way, in order. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ dueAtMs }) => dueAtMs <= endMs);
      if (due.length === 0) break;
      const next = due.sort((one, other) => one.dueAtMs - other.dueAtMs)[0];
      this.#nowMs = next.dueAtMs;
      next.dueAtMs += next.delayMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}
