/** A Store that answers when the dice say so: at once, or after a delay, as a disk does. */
import { MemoryStore, type Store, type StoredEntry, type StoredSession, type Write } from '@dunlin/broker';
import type { SeededRandom } from './seeded-random.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface DelayedStoreOptions {
  /** Mean delay of a commit; 0: every answer comes at once. */
  readonly delayMs: number;
  /** Answers at once and writes later, which no store may. */
  readonly isLying: boolean;
  /** Told when the writes of a batch survive. */
  readonly committed: (batch: readonly Write[]) => void;
  /** Told of a call that the port forbids. */
  readonly misused: (text: string) => void;
}

/** Remembers in memory; a batch counts, and can be read back, from the moment its commit has answered. */
export class DelayedStore implements Store {
  readonly inMemory = false;
  readonly #memory = new MemoryStore();
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #options: DelayedStoreOptions;
  #isCommitting = false;

  constructor(time: VirtualTime, random: SeededRandom, options: DelayedStoreOptions) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
  }

  commit(batch: readonly Write[]): void | Promise<void> {
    if (this.#isCommitting) this.#options.misused('Store.commit was called before the batch before had settled');
    if (this.#options.isLying) {
      this.#time.after(5, () => this.#take(batch));
      return undefined;
    }
    if (this.#options.delayMs === 0 || this.#random.chance(0.05)) {
      this.#take(batch);
      return undefined;
    }
    this.#isCommitting = true;
    return this.#later(() => {
      this.#isCommitting = false;
      this.#take(batch);
    });
  }

  queue(session: number, after: number, limit: number): readonly StoredEntry[] | Promise<readonly StoredEntry[]> {
    if (this.#options.delayMs === 0) return this.#memory.queue(session, after, limit);
    return this.#later(() => this.#memory.queue(session, after, limit));
  }

  freeBytes() {
    return this.#memory.freeBytes();
  }
  contents() {
    return this.#memory.contents();
  }

  sessions(): AsyncIterable<StoredSession> {
    return this.#memory.sessions();
  }

  get retained() {
    return this.#memory.retained;
  }

  close(): Promise<void> {
    if (this.#isCommitting) this.#options.misused('Store.close was called while a commit was under way');
    return this.#memory.close();
  }

  #take(batch: readonly Write[]): void {
    this.#memory.commit(batch);
    this.#options.committed(batch);
  }

  #later<T>(run: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#time.after(this.#random.wait(this.#options.delayMs), () => {
        this.#time.hasPromises = true;
        resolve(run());
      });
    });
  }
}
