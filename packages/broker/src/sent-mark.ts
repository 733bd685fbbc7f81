/**
 * Up to which queue position a stored session may have sent, as the store knows it: a high-water mark, so that no crash
 * makes a message look new that its client had been sent.
 *
 * Sending writes nothing. Instead the mark runs ahead: it is raised by some thousand positions before they are used up,
 * and nothing above what is durable is sent. So after a crash an entry above the mark was surely never sent, and one at
 * or below it perhaps was. Where the connection ends in order the mark says exactly.
 */

/** Positions that may be sent on one write; the next is due when half of them are used up. */
const AHEAD = 4_096;

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

  constructor(upTo = 0) {
    this.upTo = upTo;
  }

  /** What is at the position leaves. */
  sent(position: number): void {
    if (position > this.upTo) this.upTo = position;
  }

  /** Where the next to be sent is at `position`, or anywhere: the mark to write into the batch of the ticket. */
  raise(position: number, ticket: number): number {
    this.#given = Math.max(this.upTo, position) + AHEAD;
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
    return position > this.#given - AHEAD / 2 && commits.isDurable(this.#ticket);
  }
}
