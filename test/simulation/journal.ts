/**
 * What a store has for certain and what it may have: what a crash is held against.
 *
 * Whatever ought to be durable belongs to a change, all that one packet or one deadline causes. A change is certain when
 * an answer has left that stands for it, or when the broker had nothing on its way to the store any more.
 */

/** All that one step of the broker changes. */
export class Change {
  readonly number: number;
  /** An answer that stands for it has left. */
  isAcknowledged = false;

  constructor(number: number) {
    this.number = number;
  }
}

export class Journal {
  #number = 0;
  #certain = 0;
  #current: Change | undefined = undefined;

  /** The change that the present step makes. */
  get current(): Change {
    if (this.#current === undefined) {
      this.#number += 1;
      this.#current = new Change(this.#number);
    }
    return this.#current;
  }

  /** What comes from here on belongs to another step. */
  nextStep(): void {
    this.#current = undefined;
  }

  /** Nothing is on its way to the store. */
  allIsDurable(): void {
    this.#certain = this.#number;
  }

  isCertain({ number, isAcknowledged }: Change): boolean {
    return isAcknowledged || number <= this.#certain;
  }
}

/** One thing that the store keeps: the values it may have, oldest first. All but the first are of uncertain changes. */
export class Durable<T> {
  readonly #journal: Journal;
  #values: { readonly value: T; readonly change: Change | undefined }[];

  /** `initial`: what the store has before anything was said. */
  constructor(journal: Journal, initial: T) {
    this.#journal = journal;
    this.#values = [{ value: initial, change: undefined }];
  }

  /** The present step says that it is this from now on. */
  set(value: T): void {
    this.#forget();
    this.#values.push({ value, change: this.#journal.current });
  }

  /** What the store may have. */
  get possible(): readonly T[] {
    this.#forget();
    return this.#values.map(({ value }) => value);
  }

  /** The store had this after a crash. */
  survived(value: T): void {
    this.#values = [{ value, change: undefined }];
  }

  /** Forgets what a later, certain value has replaced. */
  #forget(): void {
    const certain = this.#values.findLastIndex(({ change }) => change === undefined || this.#journal.isCertain(change));
    if (certain > 0) this.#values.splice(0, certain);
  }
}
