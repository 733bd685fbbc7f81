/**
 * A timing wheel for deadlines that move often and are rarely met, such as keep alive (section 3.1.2.10).
 *
 * Time is cut into slots of equal length, and the slots stand in a ring. A deadline lies in the slot of its time; one
 * further away than a turn of the ring lies in the same slot and is passed over until its turn comes. Nobody tells the
 * wheel that a deadline has moved: when its slot is swept, the owner says what the deadline is by now. So a packet that
 * prolongs a keep alive costs nothing, and a sweep looks at what may be due and at nothing else.
 */

/** What a wheel holds, and one wheel only. The field is the wheel's: 0 while the item is not in it. */
export interface Deadlined {
  deadlineMs: number;
}

/** Items by their deadlines, one deadline each. It reads no clock: the time comes with each sweep. */
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

  /** Items that have a deadline. */
  get size(): number {
    return this.#size;
  }

  /** Sets the deadline of an item, in milliseconds of the clock that `sweep` is told, in place of a former one. */
  schedule(item: T, atMs: number): void {
    if (item.deadlineMs !== 0) this.cancel(item);
    item.deadlineMs = Math.max(1, atMs);
    // A deadline before what was swept takes the next sweep back to it.
    this.#swept = Math.min(this.#swept, Math.floor(item.deadlineMs / this.#slotMs) - 1);
    const index = this.#indexOf(item.deadlineMs);
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
    const index = this.#indexOf(item.deadlineMs);
    const slot = this.#slots[index];
    if (slot?.delete(item) === true) this.#size -= 1;
    if (slot?.size === 0) this.#slots[index] = undefined;
    item.deadlineMs = 0;
  }

  /**
   * Calls `due` for every item whose deadline is not after `nowMs`, and takes it out before.
   *
   * `due` returns the item's real deadline, in milliseconds, or 0 when the item is done with; one that has passed
   * counts from the next millisecond. Meanwhile it may schedule and cancel others. What it throws is thrown on, and the
   * items not yet called are called by the next sweep. Where the clock went back, deadlines keep their time.
   */
  sweep(nowMs: number, due: (item: T) => number): void {
    const last = Math.floor(nowMs / this.#slotMs);
    const former = this.#swept;
    const first = Math.max(former + 1, last - this.#slots.length + 1);
    // They are gathered first, since `due` may take items out and put others in.
    const items = this.#dueIn(first, last, nowMs);
    // The slot of the present is swept again next time: not all of it is past.
    this.#swept = Math.max(-1, last - 1);
    let called = 0;
    try {
      for (const item of items) {
        called += 1;
        if (item.deadlineMs === 0 || item.deadlineMs > nowMs) continue;
        this.cancel(item);
        const next = due(item);
        if (next !== 0 && item.deadlineMs === 0) this.schedule(item, Math.max(next, nowMs + 1));
      }
    } finally {
      if (called < items.length) this.#swept = Math.min(this.#swept, former);
    }
  }

  #dueIn(first: number, last: number, nowMs: number): T[] {
    const items: T[] = [];
    for (let number = first; number <= last; number++) {
      const slot = this.#slots[number % this.#slots.length];
      if (slot === undefined) continue;
      for (const item of slot) if (item.deadlineMs <= nowMs) items.push(item);
    }
    return items;
  }

  #indexOf(deadlineMs: number): number {
    return Math.floor(deadlineMs / this.#slotMs) % this.#slots.length;
  }
}
