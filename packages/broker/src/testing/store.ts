/** Stores for tests: they remember as the memory store does, but answer later. */
import { MemoryStore } from '../memory/store.ts';
import type { RetainedReader, Store, StoredEntry, Write } from '../ports.ts';
import type { World } from './world.ts';

/** More transactions than any step of a test needs. */
const BATCHES_MAX = 1_000;

/** Answers at once, and what it keeps counts as being on a disk. */
export class DiskStore extends MemoryStore {
  override readonly inMemory = false as unknown as true;
  /** Entries that were read. */
  read = 0;

  override queue(session: number, after: number, limit: number): readonly StoredEntry[] {
    const page = super.queue(session, after, limit);
    this.read += page.length;
    return page;
  }
}

/** Answers every commit and every read of a queue in a later turn, without help. */
export class LaterStore implements Store {
  readonly inMemory = false;
  readonly #kept = new MemoryStore();

  async commit(batch: readonly Write[]): Promise<void> {
    this.#kept.commit(batch);
  }
  async queue(session: number, after: number, limit: number): Promise<readonly StoredEntry[]> {
    return this.#kept.queue(session, after, limit);
  }
  freeBytes() {
    return this.#kept.freeBytes();
  }
  contents() {
    return this.#kept.contents();
  }
  sessions() {
    return this.#kept.sessions();
  }
  get retained() {
    return this.#kept.retained;
  }
  close(): Promise<void> {
    return this.#kept.close();
  }
}

/** Commits when the test lets it, or fails then. */
export class HeldStore implements Store {
  readonly inMemory = false;
  /** All that came, also what was not let through. */
  readonly batches: (readonly Write[])[] = [];
  isClosed = false;
  /** What was let through. */
  readonly kept = new MemoryStore();
  readonly retained: RetainedReader = this.kept.retained;
  #settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  commit(batch: readonly Write[]): Promise<void> {
    if (this.#settle !== undefined) throw new Error('two transactions at once');
    this.batches.push(batch);
    return new Promise((resolve, reject) => {
      this.#settle = {
        resolve: () => {
          this.kept.commit(batch);
          resolve();
        },
        reject,
      };
    });
  }

  /** Lets the transaction under way succeed, if there is one. */
  letThrough(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.resolve();
  }

  /** Lets everything succeed that a world has under way, and what follows from it. */
  async letAllThrough(world: World): Promise<void> {
    for (let batch = 0; batch < BATCHES_MAX; batch++) {
      await world.settle();
      if (this.#settle === undefined) return;
      this.letThrough();
    }
    throw new Error(`the world does not come to rest in ${BATCHES_MAX} transactions`);
  }

  /** Lets it fail. */
  fail(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.reject(new Error('disk full'));
  }

  queue(session: number, after: number, limit: number): readonly StoredEntry[] {
    return this.kept.queue(session, after, limit);
  }
  freeBytes() {
    return this.kept.freeBytes();
  }
  contents() {
    return this.kept.contents();
  }
  sessions() {
    return this.kept.sessions();
  }
  async close(): Promise<void> {
    if (this.#settle !== undefined) throw new Error('closed during a transaction');
    this.isClosed = true;
  }
}
