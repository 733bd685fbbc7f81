/**
 * The sweeper removes what deleted sessions left, a slice a transaction, so that a queue of a million messages holds up
 * neither the thread nor other commits. The key 0x50 of a session says that there is something to sweep, also after a
 * restart; it goes with the last slice.
 */
import type { Bodies } from './bodies.ts';
import type { Database } from './database.ts';
import { Key, keyAfterPrefix, readNumber, Tag } from './keys.ts';
import { bodyOfEntry } from './values.ts';

/** Keys, and bytes of values, that one slice looks at. */
const SLICE_KEYS = 500;
const SLICE_BYTES = 4 * 1024 * 1024;

interface Slice {
  readonly keys: Buffer[];
  /** A body for each entry that referred to one. */
  readonly bodies: number[];
  /** Sessions of which nothing is left after it. */
  readonly sessions: number[];
}

export class Sweeper {
  readonly #database: Database;
  readonly #bodies: Bodies;
  readonly #failed: (error: unknown) => void;
  readonly #key = new Key();
  #sessions: number[] = [];
  #running: Promise<void> | undefined;
  #isStopped = false;
  #failure: unknown;

  /** `failed` is told once, with what `failure` is from then on. */
  constructor(database: Database, bodies: Bodies, failed: (error: unknown) => void = () => undefined) {
    this.#database = database;
    this.#bodies = bodies;
    this.#failed = failed;
  }

  /** Sessions that are not swept yet. */
  get pending(): number {
    return this.#sessions.length;
  }

  /** Why sweeping ended before its time; undefined while all is well. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Finds what an earlier run left. */
  start(): void {
    const tag = Buffer.from([Tag.garbage]);
    for (const { key } of this.#database.range(tag, keyAfterPrefix(tag))) this.#sessions.push(readNumber(key, 1));
    this.#wake();
  }

  /** Takes sessions whose deletion has been committed: before that, not all they left could be seen. */
  add(sessions: readonly number[]): void {
    for (const session of sessions) this.#sessions.push(session);
    this.#wake();
  }

  #wake(): void {
    if (this.#running !== undefined || this.#isStopped || this.#sessions.length === 0) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      // Sessions may have come after the last look at the list and before this.
      this.#wake();
    });
  }

  /** Resolves when nothing is left to sweep. */
  async finished(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** Ends after the slice under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.finished();
  }

  async #run(): Promise<void> {
    try {
      while (this.#sessions.length > 0 && !this.#isStopped) {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#isStopped) return;
        await this.#sweep();
      }
    } catch (error) {
      this.#failure = error;
      this.#isStopped = true;
      this.#failed(error);
    }
  }

  #sweep(): Promise<void> {
    const { keys, bodies, sessions } = this.#slice();
    for (const body of bodies) this.#bodies.load(body);
    return this.#database.transaction((transaction) => {
      for (const key of keys) transaction.remove(key);
      for (const body of bodies) this.#bodies.drop(body);
      this.#bodies.flush(transaction);
      for (const session of sessions) transaction.remove(this.#key.numbered(Tag.garbage, session));
    });
  }

  /** Takes what one transaction will remove, and the sessions it ends off the list. */
  #slice(): Slice {
    const slice: Slice = { keys: [], bodies: [], sessions: [] };
    let bytes = 0;
    for (;;) {
      const session = this.#sessions[0];
      if (session === undefined) return slice;
      for (const tag of [Tag.session, Tag.queue]) {
        const prefix = this.#key.numbered(tag, session).copy();
        for (const { key, value } of this.#database.range(prefix, keyAfterPrefix(prefix))) {
          slice.keys.push(key);
          const body = tag === Tag.queue ? bodyOfEntry(value) : 0;
          if (body > 0) slice.bodies.push(body);
          bytes += value.length;
          if (slice.keys.length >= SLICE_KEYS || bytes >= SLICE_BYTES) return slice;
        }
      }
      slice.sessions.push(session);
      this.#sessions.shift();
    }
  }
}
