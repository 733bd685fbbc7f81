/** How many a second, over the last seconds. */

/** Seconds that a rate looks back. */
export const WINDOW_SECONDS = 10;

/** Counts by second in a ring; the current second counts with what it has so far. */
export class RateWindow {
  readonly #counts = new Uint32Array(WINDOW_SECONDS);
  #second = Number.NEGATIVE_INFINITY;
  #beganMs: number | undefined;

  /** One more. Milliseconds of a clock that never goes back. */
  add(nowMs: number): void {
    this.#beganMs ??= nowMs;
    this.#advance(nowMs);
    this.#counts[this.#second % WINDOW_SECONDS] += 1;
  }

  /** Since the window began, or since the first where that is later; at least over one second. */
  perSecond(nowMs: number): number {
    if (this.#beganMs === undefined) return 0;
    this.#advance(nowMs);
    const windowMs = (WINDOW_SECONDS - 1) * 1000 + (nowMs % 1000);
    const sum = this.#counts.reduce((total, count) => total + count, 0);
    return (sum * 1000) / Math.max(1000, Math.min(windowMs, nowMs - this.#beganMs));
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const passed = Math.min(WINDOW_SECONDS, second - this.#second);
    for (let step = 1; step <= passed; step++) this.#counts[(second - passed + step) % WINDOW_SECONDS] = 0;
    this.#second = Math.max(second, this.#second);
  }
}
