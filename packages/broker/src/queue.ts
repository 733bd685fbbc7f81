/**
 * The queue of a session: QoS 1 and 2 messages that wait for their turn, in order, bounded.
 *
 * A window of it is in memory. Of a stored session the rest is only in the Store and is read in pages as the window
 * empties, so that an absent client with a million messages costs no heap. Of a session without stored state all of it
 * is in memory.
 */
import type { Awaitable, QueuedRecord, Store, StoredEntry } from './ports.ts';

/** Entries of a stored session kept in memory at the most, and entries read at once. */
const WINDOW_ENTRIES = 2048;
const PAGE_ENTRIES = 1024;

/** One waiting or unfinished delivery. */
export interface Entry extends QueuedRecord {
  /** Ticket of the batch that holds it; 0 where nothing was written. */
  readonly ticket: number;
  /** It was sent before on another connection: DUP is 1 [MQTT-3.3.1-1] and expiry no longer counts [MQTT-4.3.3-7]. */
  readonly repeated: boolean;
}

export class Queue {
  /** The window, oldest at `#head`. */
  #entries: Entry[] = [];
  #head = 0;
  /** Entries that are only in the store, and the position after which they begin. */
  #paged = 0;
  #pagedAfter = 0;
  /** Those of them that came through a shared subscription. */
  #pagedShares = 0;
  #reading = false;
  /** Entries behind the paged ones that the store never gets: the session is no longer stored. */
  #behind: Entry[] = [];
  #bytes = 0;

  /** All entries, in memory or not. */
  get size(): number {
    return this.#entries.length - this.#head + this.#paged + this.#behind.length;
  }

  /** Bytes of all entries, for `queueBytesMax`. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#entries.length && this.#paged === 0;
  }

  /** The oldest entry in memory; undefined where there is none, or where it must be read first (see `isPaged`). */
  peek(): Entry | undefined {
    return this.#entries[this.#head];
  }

  /** Removes what `peek` returned. */
  shift(): void {
    const entry = this.#entries[this.#head];
    this.#bytes -= entry.message.heldBytes;
    // Cleared, so that the array does not keep what was sent alive.
    this.#entries[this.#head++] = undefined as unknown as Entry;
    if (this.#head === this.#entries.length) {
      this.#entries = this.#entries.length > 64 ? [] : this.#entries;
      this.#entries.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Adds at the end. Where `isStored`, an entry beyond the window stays in the store alone. */
  push(entry: Entry, isStored: boolean): void {
    this.#bytes += entry.message.heldBytes;
    if (isStored && (this.#paged > 0 || this.#entries.length - this.#head >= WINDOW_ENTRIES)) {
      if (this.#paged === 0) this.#pagedAfter = this.#entries[this.#entries.length - 1].position;
      this.#paged += 1;
      if (entry.share !== undefined) this.#pagedShares += 1;
      return;
    }
    if (this.#paged > 0) this.#behind.push(entry);
    else this.#entries.push(entry);
  }

  /** Puts unfinished deliveries of the former connection back in front, oldest first, to be sent again. */
  putBack(entries: readonly Entry[]): void {
    for (const entry of entries) this.#bytes += entry.message.heldBytes;
    this.#entries = [...entries, ...this.#entries.slice(this.#head)];
    this.#head = 0;
  }

  /** Whether the next entries must be read from the store, and nobody reads yet. */
  get isPaged(): boolean {
    return this.#paged > 0 && !this.#reading && this.#head === this.#entries.length;
  }

  /** Entries that are only in the store. */
  get pagedSize(): number {
    return this.#paged;
  }

  /** Those of them that came through no shared subscription. */
  get pagedOwn(): number {
    return this.#paged - this.#pagedShares;
  }

  /** Whether the store alone has something that came through a shared subscription. */
  get hasPagedShares(): boolean {
    return this.#pagedShares > 0;
  }

  /** Reads the next page. Returns, or resolves, when `peek` may be asked again: what is not committed yet stays paged. */
  readPage(store: Store, session: number): Awaitable<void> {
    this.#reading = true;
    const page = store.queue(session, this.#pagedAfter, PAGE_ENTRIES);
    if (page instanceof Promise) return page.then((entries) => this.#took(entries));
    this.#took(page);
  }

  #took(page: readonly StoredEntry[]): void {
    this.#reading = false;
    for (const stored of page.slice(0, this.#paged)) {
      this.#entries.push({ ...stored, ticket: 0, repeated: false });
      this.#pagedAfter = stored.position;
      this.#paged -= 1;
      if (stored.share !== undefined) this.#pagedShares -= 1;
    }
    if (this.#paged === 0) this.#takeBehind();
  }

  /** The store has lost what it alone had: the queue goes on without. Returns the bytes that this makes free. */
  forgetPaged(): number {
    this.#paged = 0;
    this.#pagedShares = 0;
    this.#takeBehind();
    const before = this.#bytes;
    this.#bytes = 0;
    for (const entry of this.waiting()) this.#bytes += entry.message.heldBytes;
    return before - this.#bytes;
  }

  #takeBehind(): void {
    for (const entry of this.#behind) this.#entries.push(entry);
    this.#behind = [];
  }

  /** Every entry in memory, oldest first. */
  *waiting(): Generator<Entry> {
    for (let i = this.#head; i < this.#entries.length; i++) yield this.#entries[i];
    yield* this.#behind;
  }

  /** Forgets what is in memory, so that only pages are left. */
  clearMemory(): void {
    this.#entries = [];
    this.#head = 0;
    this.#behind = [];
  }

  clear(): void {
    this.clearMemory();
    this.#paged = 0;
    this.#pagedShares = 0;
    this.#bytes = 0;
  }
}
