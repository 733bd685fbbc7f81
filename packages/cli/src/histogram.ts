/** How long many things took, in bounded memory: counts by time, fine enough for percentiles. */

/** Each power of two is cut into so many steps, so that a time read back is at most 1/128 too long. */
const STEPS_BITS = 7;
const STEPS = 2 ** STEPS_BITS;
const US_MAX = 0xffff_ffff;

/** The percentiles that reports show, as names and shares. */
export const PERCENTILES = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const;

/** Percentiles and the longest, microseconds. */
export type Percentiles = Readonly<Record<(typeof PERCENTILES)[number][0] | 'max', number>>;

/**
 * Counts times from 0 to 71 minutes (longer ones count as that). Below 256 µs a time is kept as it is, above it with
 * seven bits behind the first: as High Dynamic Range histograms do, in 26 KB.
 */
export class Histogram {
  #counts: Float64Array | undefined;
  #count = 0;
  #max = 0;

  /** Times recorded. */
  get count(): number {
    return this.#count;
  }

  /** Microseconds; less than 0 counts as 0. */
  record(us: number): void {
    const time = Math.min(US_MAX, Math.max(0, Math.round(us)));
    // A client that is never asked how long it took costs no memory.
    this.#counts ??= new Float64Array((33 - STEPS_BITS) * STEPS);
    this.#counts[placeOf(time)] += 1;
    this.#count += 1;
    if (time > this.#max) this.#max = time;
  }

  /** The time, in microseconds, that so large a share was within; `share` is above 0 and at most 1. 0 where none is. */
  quantile(share: number): number {
    const rank = Math.ceil(this.#count * share);
    let seen = 0;
    for (const [place, count] of (this.#counts ?? []).entries()) {
      seen += count;
      if (count > 0 && seen >= rank) return Math.min(this.#max, longestAt(place));
    }
    return 0;
  }

  /** Undefined where nothing was recorded. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    const shares = PERCENTILES.map(([name, share]) => [name, this.quantile(share)]);
    return { ...Object.fromEntries(shares), max: this.#max };
  }
}

/** Times of one place differ in the bits that are left out. */
function placeOf(time: number): number {
  const left = Math.max(0, 31 - Math.clz32(time) - STEPS_BITS);
  return left * STEPS + (time >>> left);
}

function longestAt(place: number): number {
  const left = Math.max(0, Math.floor(place / STEPS) - 1);
  return (place - left * STEPS + 1) * 2 ** left - 1;
}
