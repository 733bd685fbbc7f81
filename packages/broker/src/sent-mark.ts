/**
 * Up to which queue position a stored session may have sent, as the store knows it: a high-water mark, so that no crash
 * makes a message look new that its client had been sent.
 *
 * Sending writes nothing. Instead the mark runs ahead: it is raised before its positions are used up, and nothing above
 * what is durable is sent. So after a crash an entry above the mark was surely never sent, and one at or below it perhaps
 * was. Where the connection ends in order the mark says exactly.
 *
 * How far ahead follows from use: a client that takes much while the disk takes one batch would wait for each step, and
 * for one that takes little a long step would only make more look sent than was.
 */

/** Positions that may be sent on one write, at first and at the most; the next is due when half of them are used up. */
export const AHEAD_MIN = 64;
const AHEAD_MAX = 4_096;
/** Batches in which half of a step was used up: within so few the next is longer, after more than so many shorter. */
const BATCHES_SHORT = 8;
const BATCHES_LONG = 64;
const LONGER = 4;
const SHORTER = 2;

/** Says which batches are durable. */
export interface Durability {
  isDurable(ticket: number): boolean;
}

export class SentMark {
  /** The highest position that was sent, or perhaps was. */
  upTo: number;
  /** What the store has for certain. */
  #durable = 0;
  /** What it was given last, with the ticket of that. */
  #given = 0;
  #ticket = 0;
  #ahead = AHEAD_MIN;

  constructor(upTo = 0) {
    this.upTo = upTo;
  }

  /** What is at the position leaves. */
  sent(position: number): void {
    if (position > this.upTo) this.upTo = position;
  }

  /** A connection begins: the mark to write into the batch of the ticket. */
  begin(ticket: number): number {
    this.#ahead = AHEAD_MIN;
    return this.#give(this.upTo, ticket);
  }

  /** Where it is due, and the next to be sent is at `position`: the mark to write into the batch of the ticket. */
  raise(position: number, ticket: number): number {
    const batches = ticket - this.#ticket;
    if (batches <= BATCHES_SHORT) this.#ahead = Math.min(AHEAD_MAX, this.#ahead * LONGER);
    else if (batches > BATCHES_LONG) this.#ahead = Math.max(AHEAD_MIN, this.#ahead / SHORTER);
    return this.#give(position, ticket);
  }

  #give(position: number, ticket: number): number {
    // What was sent on the word of a former mark stays below it.
    this.#given = Math.max(this.#given, position + this.#ahead);
    this.#ticket = ticket;
    return this.#given;
  }

  /** Nothing is sent any more: the mark to write. */
  settle(): number {
    this.#durable = this.upTo;
    this.#given = this.upTo;
    return this.upTo;
  }

  /** Whether the store knows that the position may have been sent. */
  covers(position: number, commits: Durability): boolean {
    if (position <= this.#durable) return true;
    if (!commits.isDurable(this.#ticket)) return false;
    this.#durable = this.#given;
    return position <= this.#durable;
  }

  /** Whether it is time to raise the mark: what it was raised to last is durable, and half of that used up. */
  isDue(position: number, commits: Durability): boolean {
    return position > this.#given - this.#ahead / 2 && commits.isDurable(this.#ticket);
  }
}
