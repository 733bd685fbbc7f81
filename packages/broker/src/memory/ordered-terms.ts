/** Terms with the keys they lead to, in the order of their UTF-8 bytes: the index of a table in memory. */

export interface OrderedTerm {
  readonly term: string;
  readonly key: string;
}

/** A sorted array: found by binary search, changed by moving what lies behind, which memory does quickly. */
export class OrderedTerms {
  readonly #entries: OrderedTerm[] = [];

  /** Adds an entry that is not there yet. */
  add(entry: OrderedTerm): void {
    this.#entries.splice(this.#firstNotBelow(entry), 0, entry);
  }

  /** Removes an entry; nothing where it is not there. */
  remove(entry: OrderedTerm): void {
    const index = this.#firstNotBelow(entry);
    const found = this.#entries[index];
    if (found?.term === entry.term && found.key === entry.key) this.#entries.splice(index, 1);
  }

  /** Entries from the first that is not below `from`, in order. */
  *from(from: OrderedTerm): Iterable<OrderedTerm> {
    for (let index = this.#firstNotBelow(from); index < this.#entries.length; index++) yield this.#entries[index];
  }

  #firstNotBelow(wanted: OrderedTerm): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareTerms(this.#entries[middle], wanted) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Below 0, 0 or above 0, by term, then by key. */
export function compareTerms(a: OrderedTerm, b: OrderedTerm): number {
  return compareCodePoints(a.term, b.term) || compareCodePoints(a.key, b.key);
}

/**
 * Compares as the UTF-8 bytes of both would. JavaScript compares UTF-16, where surrogates (code points from U+10000)
 * stand before U+E000 to U+FFFF; lifting those below the surrogates puts that right.
 */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return inCodePointOrder(left) - inCodePointOrder(right);
  }
  return a.length - b.length;
}

function inCodePointOrder(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}
