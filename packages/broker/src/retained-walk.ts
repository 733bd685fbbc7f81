/**
 * A walk over the retained messages that a filter matches. The Store reads what is committed, so it begins when all that
 * was there at its beginning is durable: from then on whatever is on its way there is newer, and none of its business.
 */
import type { Retained, RetainedCursor } from './ports.ts';

export class RetainedWalk implements RetainedCursor {
  readonly #begin: () => RetainedCursor;
  readonly #isReady: () => boolean;
  readonly #current: (found: Retained) => Retained | undefined;
  #cursor: RetainedCursor | undefined = undefined;

  /**
   * @param begin begins to read, once
   * @param isReady whether what was there when the walk was made can be read
   * @param current what a message that was read is by now; undefined where a newer one has taken its place
   */
  constructor(begin: () => RetainedCursor, isReady: () => boolean, current: (found: Retained) => Retained | undefined) {
    this.#begin = begin;
    this.#isReady = isReady;
    this.#current = current;
  }

  /** False while something that it must find is on its way into the store; it finds nothing until then. */
  get isReady(): boolean {
    return this.#cursor !== undefined || this.#isReady();
  }

  get isDone(): boolean {
    return this.#cursor?.isDone === true;
  }

  next(looksMax: number): Retained | undefined {
    if (!this.isReady) return undefined;
    this.#cursor ??= this.#begin();
    const found = this.#cursor.next(looksMax);
    return found && this.#current(found);
  }

  pause(): void {
    this.#cursor?.pause();
  }
}

/** The cursor of a filter without a wildcard. */
export class OneTopic implements RetainedCursor {
  readonly #find: () => Retained | undefined;
  isDone = false;

  constructor(find: () => Retained | undefined) {
    this.#find = find;
  }

  next(): Retained | undefined {
    if (this.isDone) return undefined;
    this.isDone = true;
    return this.#find();
  }

  pause(): void {}
}
