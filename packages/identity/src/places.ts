/** How many of a key may be under way at once, where that changes meanwhile, and a line for those that come beyond. */
import type { Clock } from '@dunlin/broker';

export class Places {
  readonly #clock: Clock;
  readonly #places: (key: string) => number;
  readonly #taken = new Map<string, number>();
  readonly #lines = new Map<string, Set<() => void>>();

  /** `places`: how many a key has now, at least 1; asked when one is taken and when one is given back. */
  constructor(clock: Clock, places: (key: string) => number) {
    this.#clock = clock;
    this.#places = places;
  }

  /** Whether anybody has a place of the key. */
  isTaken(key: string): boolean {
    return this.#taken.has(key);
  }

  /** Takes a place of the key; false where none is left. */
  take(key: string): boolean {
    const taken = this.#taken.get(key) ?? 0;
    if (taken >= this.#places(key)) return false;
    this.#taken.set(key, taken + 1);
    return true;
  }

  /** Takes a place when one is given back; false where `patienceMs` are over before, or `gone`. First come, first served. */
  async wait(key: string, patienceMs: number, gone: AbortSignal): Promise<boolean> {
    if (gone.aborted) return false;
    if (this.take(key)) return true;
    if (patienceMs <= 0) return false;
    const line = this.#lines.get(key) ?? new Set();
    this.#lines.set(key, line);
    return new Promise((resolve) => {
      const leave = (hasPlace: boolean): void => {
        timer.cancel();
        gone.removeEventListener('abort', giveUp);
        line.delete(turn);
        if (line.size === 0) this.#lines.delete(key);
        resolve(hasPlace);
      };
      const turn = (): void => leave(true);
      const giveUp = (): void => leave(false);
      const timer = this.#clock.every(patienceMs, giveUp);
      gone.addEventListener('abort', giveUp);
      line.add(turn);
    });
  }

  /** Gives a place back, and to those in line what is free then. */
  giveBack(key: string): void {
    const taken = (this.#taken.get(key) ?? 0) - 1;
    if (taken > 0) this.#taken.set(key, taken);
    else this.#taken.delete(key);
    for (const turn of this.#lines.get(key) ?? []) {
      if (!this.take(key)) return;
      turn();
    }
  }
}
