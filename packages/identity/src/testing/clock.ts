/** A clock that a test turns. */
import type { Clock, Timer } from '@dunlin/broker';

export class TurnedClock implements Clock {
  #nowMs: number;
  #timers = new Set<{ dueMs: number; readonly delayMs: number; readonly run: () => void }>();

  constructor(nowMs = 0) {
    this.#nowMs = nowMs;
  }

  get timers(): number {
    return this.#timers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  steadyMs(): number {
    return this.#nowMs;
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  endOfTurn(run: () => void): void {
    queueMicrotask(run);
  }

  /** Calls what is due on the way, in order. */
  turn(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#nowMs = next.dueMs;
      next.dueMs += next.delayMs;
      next.run();
    }
    this.#nowMs = endMs;
  }
}
