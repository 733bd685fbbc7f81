/** Says of numbered messages which are missing, which came twice and which came late. */

/** Numbers that are remembered as missing, for all streams together; about 40 bytes each. */
const MISSING_MAX = 200_000;

/** What came of many streams, counted together. */
export class ArrivalCounts {
  /** Each number once. */
  unique = 0;
  duplicated = 0;
  /** Behind one with a higher number. */
  outOfOrder = 0;
  /** Not there while one with a higher number is, so far. */
  missing = 0;
  /** Of `missing`, those that streams still wait for. */
  awaited = 0;
}

/** The messages of one publisher as one receiver gets them. */
export class Arrivals {
  readonly #counts: ArrivalCounts;
  readonly #missing = new Set<number>();
  #first: number;
  #next: number;

  /** `first`: the number that is expected first; what is below it counts as late. */
  constructor(counts: ArrivalCounts, first: number) {
    this.#counts = counts;
    this.#first = first;
    this.#next = first;
  }

  /** A message came; false where it had come before. */
  take(sequence: number): boolean {
    const counts = this.#counts;
    if (sequence >= this.#next) {
      this.#skipTo(sequence);
      this.#next = sequence + 1;
    } else if (sequence < this.#first) {
      counts.outOfOrder += 1;
    } else if (this.#missing.delete(sequence)) {
      counts.outOfOrder += 1;
      counts.missing -= 1;
      counts.awaited -= 1;
    } else {
      counts.duplicated += 1;
      return false;
    }
    counts.unique += 1;
    return true;
  }

  /** A gap too large to remember is missing for good. */
  #skipTo(sequence: number): void {
    const counts = this.#counts;
    const gap = sequence - this.#next;
    counts.missing += gap;
    if (gap === 0 || counts.awaited + gap > MISSING_MAX) return;
    counts.awaited += gap;
    for (let number = this.#next; number < sequence; number++) this.#missing.add(number);
  }
}
