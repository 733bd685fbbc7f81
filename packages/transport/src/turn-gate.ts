/** Costly beginnings, spread over the turns of the event loop so that what is already there goes on meanwhile. */

/** What is begun, and how much of it. */
export interface TurnGateOptions<T> {
  /** Begun and not yet done. */
  readonly atOnceMax: number;
  /** Begun in one turn. */
  readonly perTurn: number;
  /** Waiting to begin. */
  readonly waitingMax: number;
  readonly begin: (item: T) => void;
}

/** A line of items, the first come first begun. Each is to be taken out by `done` or `leave`. */
export class TurnGate<T> {
  readonly #options: TurnGateOptions<T>;
  readonly #waiting = new Set<T>();
  #begun = 0;
  #turnAsked = false;

  constructor(options: TurnGateOptions<T>) {
    this.#options = options;
  }

  /** Lines up; false where the line is full. It is begun in a later turn. */
  enter(item: T): boolean {
    if (this.#waiting.size >= this.#options.waitingMax) return false;
    this.#waiting.add(item);
    this.#askTurn();
    return true;
  }

  /** What was begun is over: there is room for another. */
  done(): void {
    this.#begun -= 1;
    this.#askTurn();
  }

  /** Takes out what waits. */
  leave(item: T): void {
    this.#waiting.delete(item);
  }

  #askTurn(): void {
    if (this.#turnAsked || this.#waiting.size === 0 || this.#begun >= this.#options.atOnceMax) return;
    this.#turnAsked = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#turnAsked = false;
    const { atOnceMax, perTurn, begin } = this.#options;
    // What enters again when it is begun waits for the next turn.
    for (let left = Math.min(perTurn, this.#waiting.size); left > 0 && this.#begun < atOnceMax; left -= 1) {
      const [item] = this.#waiting;
      if (item === undefined) return;
      this.#waiting.delete(item);
      this.#begun += 1;
      begin(item);
    }
    this.#askTurn();
  }
}
