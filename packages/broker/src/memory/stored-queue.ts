/** The queue of one session in memory: rising positions, removal anywhere, a page of entries without a walk to it. */
import type { QueuedRecord, QueueSummary, StoredEntry } from '../ports.ts';

export const EMPTY_QUEUE: QueueSummary = Object.freeze({ messages: 0, bytes: 0, shares: 0, lastPosition: 0 });

/** Positions that one segment spans at the most. */
const segmentSpan = 1024;

/** Slot `i` holds the entry at position `base + i`, or undefined where there is none (any more). */
interface Segment {
  base: number;
  /** Slots that hold an entry; never 0 except in the only segment. */
  entries: number;
  readonly slots: (QueuedRecord | undefined)[];
}

/**
 * Entries by position, kept by reference.
 *
 * Positions lie in segments of at most 1024 neighbours, in order, so that an entry is found with a binary search among
 * segments and one index, whatever was removed around it. A segment that runs empty goes at once: a long queue of
 * which only the first entry is left costs one segment. The only segment is emptied in place and used again, which is
 * the case of a session that keeps up.
 */
export class StoredQueue {
  readonly #segments: Segment[] = [];
  #released: Set<number> | undefined;

  /** Adds an entry behind all others. A position at or below one that was there before is an error of the broker. */
  add(entry: QueuedRecord): void {
    const { position } = entry;
    const last = this.#segments.at(-1);
    if (last === undefined || (last.entries > 0 && position - last.base >= segmentSpan)) {
      this.#segments.push({ base: position, entries: 1, slots: [entry] });
      return;
    }
    if (last.entries === 0) {
      last.slots.length = 0;
      last.base = position;
    }
    const slot = position - last.base;
    if (slot < last.slots.length) throw new RangeError(`Cannot enqueue at position ${position}: positions only rise`);
    while (last.slots.length < slot) last.slots.push(undefined);
    last.slots.push(entry);
    last.entries++;
  }

  /** Removes an entry. A store that counts would count wrongly for one that is not there, so that is an error here. */
  remove(position: number): void {
    const index = this.#indexOf(position);
    const segment = this.#segments[index];
    const slot = position - (segment?.base ?? 0);
    if (segment?.slots[slot] === undefined)
      throw new RangeError(`Cannot dequeue position ${position}: the queue has no such entry`);
    segment.slots[slot] = undefined;
    segment.entries--;
    this.#released?.delete(position);
    if (segment.entries === 0 && this.#segments.length > 1) this.#segments.splice(index, 1);
  }

  /** Marks an entry as received by the client (PUBREC); nothing where there is none. */
  release(position: number): void {
    const segment = this.#segments[this.#indexOf(position)];
    if (segment?.slots[position - segment.base] === undefined) return;
    this.#released ??= new Set();
    this.#released.add(position);
  }

  /** Up to `limit` entries with positions above `after`, in order. */
  page(after: number, limit: number): StoredEntry[] {
    const found: StoredEntry[] = [];
    for (let index = Math.max(this.#indexOf(after + 1), 0); index < this.#segments.length; index++) {
      const { base, slots } = this.#segments[index];
      for (let slot = Math.max(after + 1 - base, 0); slot < slots.length; slot++) {
        if (found.length >= limit) return found;
        const entry = slots[slot];
        if (entry !== undefined) found.push(this.#stored(entry));
      }
    }
    return found;
  }

  /** Walks all entries. */
  summary(): QueueSummary {
    let summary = EMPTY_QUEUE;
    for (const { slots } of this.#segments) {
      for (const entry of slots) if (entry !== undefined) summary = withEntry(summary, entry);
    }
    return summary.messages === 0 ? EMPTY_QUEUE : { ...summary, lastPosition: this.#lastPosition() };
  }

  /** Also of an entry that was removed: `add` takes only what comes behind. */
  #lastPosition(): number {
    const { base, slots } = this.#segments[this.#segments.length - 1];
    return base + slots.length - 1;
  }

  #stored(entry: QueuedRecord): StoredEntry {
    const { position, message, qos, retain, identifiers, share } = entry;
    const released = this.#released?.has(position) ?? false;
    return { position, message, qos, retain, identifiers, share, released };
  }

  /** Index of the last segment that begins at or before the position, or -1. */
  #indexOf(position: number): number {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle].base <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

function withEntry({ messages, bytes, shares, lastPosition }: QueueSummary, entry: QueuedRecord): QueueSummary {
  return {
    lastPosition,
    messages: messages + 1,
    bytes: bytes + entry.message.heldBytes,
    shares: shares + (entry.share === undefined ? 0 : 1),
  };
}
