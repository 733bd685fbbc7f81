/** Chance from a seed: the same seed gives the same numbers, on every machine. */

/** A source of numbers; forks of it by name do not disturb each other. */
export class RandomSource {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    this.#seed = seed;
    const next = hashOf(seed);
    this.#a = next();
    this.#b = next();
    this.#c = next();
    // The first numbers still show the seed.
    for (let round = 0; round < 12; round++) this.next();
  }

  /** A source of its own; the same name gives the same one. */
  fork(name: string): RandomSource {
    return new RandomSource(`${this.#seed}/${name}`);
  }

  /** At least 0, less than 1. This is sfc32 by Chris Doty-Humphrey. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return (sum >>> 0) / 0x1_0000_0000;
  }

  /** At least `from`, less than `to`. */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** Around 0, with a standard deviation of 1 (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** A wait whose end is equally likely at any moment. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.next());
  }

  /** Version 4. */
  uuid(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.next() * 16).toString(16));
    digits[12] = '4';
    digits[16] = '89ab'[Math.floor(this.next() * 4)];
    return [0, 8, 12, 16, 20].map((from, at) => digits.slice(from, [8, 12, 16, 20, 32][at]).join('')).join('-');
  }
}

/** FNV-1a, mixed again for each number. */
function hashOf(text: string): () => number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return () => {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    hash ^= hash >>> 16;
    return hash | 0;
  };
}
