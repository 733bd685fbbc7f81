/** Time as one process sees it: when the process has ended, nothing that it waited for happens. */
import type { Clock, Timer } from '@dunlin/broker';
import type { VirtualTime } from './virtual-time.ts';

export class ProcessClock implements Clock {
  readonly #time: VirtualTime;
  readonly #timers: Timer[] = [];
  #isOver = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  nowMs(): number {
    return this.#time.nowMs();
  }

  steadyMs(): number {
    return this.#time.steadyMs();
  }

  every(delayMs: number, run: () => void): Timer {
    const timer = this.#time.every(delayMs, run);
    this.#timers.push(timer);
    return timer;
  }

  endOfTurn(run: () => void): void {
    this.#time.endOfTurn(() => {
      if (!this.#isOver) run();
    });
  }

  /** The process has ended, without a word. */
  end(): void {
    this.#isOver = true;
    for (const timer of this.#timers) timer.cancel();
  }
}
