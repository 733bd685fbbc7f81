/** Time that passes when a test says so; turns end by themselves. */
import type { Clock, Timer } from '@dunlin/broker';

export class TestClock implements Clock {
  #steadyMs = 0;
  #wallMs: number;
  readonly #timers = new Set<{ dueAtMs: number; readonly delayMs: number; readonly run: () => void }>();

  constructor(nowMs = 1_800_000_000_000) {
    this.#wallMs = nowMs;
  }

  nowMs(): number {
    return this.#wallMs + this.#steadyMs;
  }

  steadyMs(): number {
    return this.#steadyMs;
  }

  /** Somebody sets the wall clock; no time passes. */
  setWallClock(byMs: number): void {
    this.#wallMs += byMs;
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = { dueAtMs: this.#steadyMs + delayMs, delayMs, run };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  endOfTurn(run: () => void): void {
    setImmediate(run);
  }

  /** Timers that are not cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Calls what is due on the way, in order. */
  pass(ms: number): void {
    const endMs = this.#steadyMs + ms;
    while (this.#runNext(endMs));
    this.#steadyMs = endMs;
  }

  /** As `pass`, and lets happen what follows from each. */
  async passInTurns(ms: number): Promise<void> {
    const endMs = this.#steadyMs + ms;
    do await turns();
    while (this.#runNext(endMs));
    this.#steadyMs = endMs;
  }

  /** False where nothing is due until then. */
  #runNext(endMs: number): boolean {
    const due = [...this.#timers].filter(({ dueAtMs }) => dueAtMs <= endMs);
    if (due.length === 0) return false;
    const next = due.sort((one, other) => one.dueAtMs - other.dueAtMs)[0];
    this.#steadyMs = next.dueAtMs;
    next.dueAtMs += next.delayMs;
    next.run();
    return true;
  }
}

/** Lets everything that is under way in memory arrive. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
