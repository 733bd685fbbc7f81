/** Searches the largest number that works. */

/** What was found. */
export interface Largest {
  /** It works, or is one below the least that was allowed to be tried. */
  readonly value: number;
  /** False: a larger one may work too; nobody tried, or the search broke off. */
  readonly isExact: boolean;
}

/**
 * The largest whole number from `low` to `high` that works, by halving; all below one that works are taken to work.
 *
 * Where `works` throws after one has worked the search ends there; before, it throws the same.
 */
export async function largest(low: number, high: number, works: (value: number) => Promise<boolean>): Promise<Largest> {
  let good = low - 1;
  let bad = high + 1;
  let next = high;
  while (bad - good > 1) {
    try {
      if (await works(next)) good = next;
      else bad = next;
    } catch (error) {
      if (good < low) throw error;
      return { value: good, isExact: false };
    }
    // Next to the bottom first: where nothing works at all that is the short way.
    next = good < low && next === high ? low : Math.floor((good + bad) / 2);
  }
  return { value: good, isExact: good < high };
}
