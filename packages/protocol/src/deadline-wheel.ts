/**
 * A timing wheel for deadlines that move often and are rarely met, such as keep alive (section 3.1.2.10).
 *
 * Time is cut into slots of equal length, and the slots stand in a ring. A deadline lies in the slot of its time; one
 * further away than a turn of the ring lies in the same slot and is passed over until its turn comes. Nobody tells the
 * wheel that a deadline has moved: when its slot is swept, the owner says what the deadline is by now. So a packet that
 * prolongs a keep alive costs nothing, and a sweep looks at what may be due and at nothing else.
 */

/** What a wheel holds. The field is the wheel's: 0 while the item is not in it. */
export interface Deadlined {
  deadlineMs: number;
}

export class DeadlineWheel<T extends Deadlined> {
  readonly #slotMs: number;
  readonly #slots: (Set<T> | undefined)[];
  /** Number of the last slot that was swept to its end, counted from the beginning of time; -1: none yet. */
  #swept = -1;
  #size = 0;

  /** @param slotMs length of a slot in milliseconds  @param slots slots in the ring */
  constructor(slotMs: number, slots: number) {
    this.#slotMs = slotMs;
    this.#slots = new Array(slots).fill(undefined);
  }

  get size(): number {
    return this.#size;
  }

  /** Sets the deadline of an item, in place of a former one. */
  schedule(item: T, atMs: number): void {
    if (item.deadlineMs !== 0) this.cancel(item);
    // A deadline that is past already lies in the slot that is swept next.
    const deadlineMs = Math.max(1, atMs, (this.#swept + 1) * this.#slotMs);
    item.deadlineMs = deadlineMs;
    const index = this.#indexOf(deadlineMs);
    let slot = this.#slots[index];
    if (slot === undefined) {
      slot = new Set();
      this.#slots[index] = slot;
    }
    slot.add(item);
    this.#size += 1;
  }

  /** Takes an item out; nothing happens where it is not in. */
  cancel(item: T): void {
    if (item.deadlineMs === 0) return;
    if (this.#slots[this.#indexOf(item.deadlineMs)]?.delete(item) === true) this.#size -= 1;
    item.deadlineMs = 0;
  }

  /**
   * Calls `due` for every item whose deadline is not after `nowMs`. It returns the item's real deadline where that is
   * later, or 0 when the item is done with. Where the clock went back, nothing happens until it has caught up.
   */
  sweep(nowMs: number, due: (item: T) => number): void {
    const last = Math.floor(nowMs / this.#slotMs);
    if (last < this.#swept) return;
    // The slot of the present is swept again next time: not all of it is past.
    const first = Math.max(this.#swept + 1, last - this.#slots.length + 1);
    for (let number = first; number <= last; number++) this.#sweepSlot(number % this.#slots.length, nowMs, due);
    this.#swept = last - 1;
  }

  #sweepSlot(index: number, nowMs: number, due: (item: T) => number): void {
    const slot = this.#slots[index];
    if (slot === undefined) return;
    // A copy: `due` may take items out and put others in.
    for (const item of [...slot]) {
      if (item.deadlineMs === 0 || item.deadlineMs > nowMs || !slot.has(item)) continue;
      this.cancel(item);
      const next = due(item);
      if (next !== 0 && item.deadlineMs === 0) this.schedule(item, Math.max(next, nowMs + 1));
    }
    if (slot.size === 0) this.#slots[index] = undefined;
  }

  #indexOf(deadlineMs: number): number {
    return Math.floor(deadlineMs / this.#slotMs) % this.#slots.length;
  }
}
