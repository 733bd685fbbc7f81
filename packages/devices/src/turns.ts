/** One after the other by key: for what reads, decides and then writes. Works of different keys do not wait for each other. */

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` at once, or when everything that was asked for before of this key has ended; settles as it does. */
  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before === undefined ? work() : before.then(work, work);
    this.#last.set(key, mine);
    const done = () => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(done, done);
    return mine;
  }

  /** What is under way of this key; else `work`, at once. So many who ask for the same meanwhile are one. */
  join(key: string, work: () => Promise<unknown>): Promise<unknown> {
    return this.#last.get(key) ?? this.run(key, work);
  }

  /** Settles when what was under way of this key when asked has ended, however it did; undefined where nothing is. */
  over(key: string): Promise<void> | undefined {
    return this.#last.get(key)?.then(nothing, nothing);
  }

  /** Settles when what was under way of any key when asked has ended. */
  async allOver(): Promise<void> {
    await Promise.allSettled(this.#last.values());
  }

  /** Settles when nothing is under way of any key. */
  async idle(): Promise<void> {
    while (this.#last.size > 0) await this.allOver();
  }

  /** Keys of which something is under way. */
  get size(): number {
    return this.#last.size;
  }

  /** Settles when the first of all that is under way has ended, however it did. */
  async someOver(): Promise<void> {
    await Promise.race(this.#last.values()).catch(nothing);
  }
}

function nothing(): void {}
