/** A Store that answers when the dice say so: at once, or after a delay, as a disk does. It outlives its broker. */
import {
  MemoryStore,
  type Message,
  type Store,
  type StoredEntry,
  type StoredSession,
  type Write,
} from '@dunlin/broker';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { VirtualTime } from '../simulation-harness/virtual-time.ts';

export interface DelayedStoreOptions {
  /** Mean delay of a commit; 0: every answer comes at once. */
  readonly delayMs: number;
  /** Answers at once and writes later, which no store may. */
  readonly isLying: boolean;
  /** Loses at a crash one of the last batches it had answered for, which no store may. */
  readonly isForgetful: boolean;
  /** Told when the writes of a batch survive. */
  readonly committed: (batch: readonly Write[]) => void;
  /** Told of a call that the port forbids. */
  readonly misused: (text: string) => void;
}

/** A session with all its queue, as a crash has left it. */
export interface Survivor {
  readonly stored: StoredSession;
  readonly entries: readonly StoredEntry[];
}

export interface Survivors {
  readonly sessions: readonly Survivor[];
  readonly retained: readonly Message[];
}

/** Filters that together match every topic of these worlds: "#" leaves out what begins with "$" [MQTT-4.7.2-1]. */
const EVERYTHING = ['#', '$own/#'];
/** How far back the batch lies that a forgetful store loses. */
const FORGETFUL_BATCHES = 20;

/** Remembers in memory; a batch counts, and can be read back, from the moment its commit has answered. */
export class DelayedStore implements Store {
  readonly inMemory = false;
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #options: DelayedStoreOptions;
  #memory = new MemoryStore();
  /** All batches ever, for a forgetful store. */
  #taken: (readonly Write[])[] = [];
  #underWay: readonly Write[] | undefined = undefined;
  /** Rises with each crash: nobody is there any more for an answer to a former process. */
  #crashes = 0;

  constructor(time: VirtualTime, random: SeededRandom, options: DelayedStoreOptions) {
    this.#time = time;
    this.#random = random;
    this.#options = options;
  }

  commit(batch: readonly Write[]): void | Promise<void> {
    if (this.#underWay !== undefined)
      this.#options.misused('Store.commit was called before the batch before had settled');
    if (this.#options.isLying) {
      this.#later(5, () => this.#take(batch));
      return undefined;
    }
    if (this.#options.delayMs === 0 || this.#random.chance(0.05)) {
      this.#take(batch);
      return undefined;
    }
    this.#underWay = batch;
    return this.#answerLater(() => {
      this.#underWay = undefined;
      this.#take(batch);
    });
  }

  queue(session: number, after: number, limit: number): readonly StoredEntry[] | Promise<readonly StoredEntry[]> {
    if (this.#options.delayMs === 0) return this.#memory.queue(session, after, limit);
    return this.#answerLater(() => this.#memory.queue(session, after, limit));
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
    if (this.#underWay !== undefined) this.#options.misused('Store.close was called while a commit was under way');
    return this.#memory.close();
  }

  /** The process ends without a word. A batch under way is there whole or not at all, as the dice say. */
  crash(): void {
    const batch = this.#underWay;
    this.#underWay = undefined;
    this.#crashes += 1;
    if (this.#options.isForgetful) this.#forgetBatch();
    if (batch !== undefined && this.#random.chance(0.5)) this.#take(batch);
  }

  /** Everything there is, for those who judge what a crash has left. */
  async survivors(): Promise<Survivors> {
    const sessions: Survivor[] = [];
    for await (const stored of this.#memory.sessions())
      sessions.push({ stored, entries: this.#memory.queue(stored.record.number, 0, Number.POSITIVE_INFINITY) });
    const retained: Message[] = [];
    for (const filter of EVERYTHING) {
      const cursor = this.#memory.retained.cursor(filter);
      while (!cursor.isDone) {
        const one = cursor.next(1_000);
        if (one !== undefined) retained.push(one.message);
      }
    }
    return { sessions, retained };
  }

  #take(batch: readonly Write[]): void {
    this.#memory.commit(batch);
    if (this.#options.isForgetful) this.#taken.push(batch);
    this.#options.committed(batch);
  }

  #forgetBatch(): void {
    if (this.#taken.length === 0) return;
    this.#taken.splice(-this.#random.between(1, Math.min(FORGETFUL_BATCHES, this.#taken.length)), 1);
    this.#memory = new MemoryStore();
    for (const batch of this.#taken) this.#memory.commit(batch);
  }

  #answerLater<T>(run: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#later(this.#random.wait(this.#options.delayMs), () => {
        this.#time.hasPromises = true;
        resolve(run());
      });
    });
  }

  #later(delayMs: number, run: () => void): void {
    const crashes = this.#crashes;
    this.#time.after(delayMs, () => {
      if (this.#crashes === crashes) run();
    });
  }
}
