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

  /** Delays of the timers that run, in milliseconds. */
  get waiting(): number[] {
    return Array.from(this.#timers, ({ dueAtMs }) => dueAtMs - this.#nowMs);
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

  /** Time passes at once, as for a process that was stopped: calls what is due one time, in order. */
  leap(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#timers].filter(({ dueAtMs }) => dueAtMs <= this.#nowMs);
    for (const timer of due.sort((one, other) => one.dueAtMs - other.dueAtMs)) {
      timer.dueAtMs = this.#nowMs + timer.delayMs;
      if (this.#timers.has(timer)) timer.run();
    }
  }
}
