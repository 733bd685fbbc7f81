/** Time, timers and chance of one process of a client; when the process has ended none of its timers fires. */
import type { Environment } from '@dunlin/client';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';

export class ProcessEnvironment implements Environment {
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #timers = new Set<() => void>();

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  /** Timers that have neither fired nor been cancelled. */
  get timers(): number {
    return this.#timers.size;
  }

  nowMs = (): number => this.#time.nowMs();
  wallClockMs = (): number => this.#time.nowMs();
  randomBytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => this.#random.below(256));

  setTimer = (ms: number, call: () => void): (() => void) => {
    // Whole milliseconds, and never early: whoever waits for a fraction would otherwise ask again at the same moment.
    const timer = this.#time.after(Math.ceil(ms), () => {
      this.#timers.delete(cancel);
      call();
    });
    const cancel = (): void => {
      this.#timers.delete(cancel);
      timer.cancel();
    };
    this.#timers.add(cancel);
    return cancel;
  };

  random(): number {
    return this.#random.next();
  }

  /** The process has ended, without a word. */
  end(): void {
    for (const cancel of [...this.#timers]) cancel();
  }
}
