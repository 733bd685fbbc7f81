/**
 * The queue of a session: QoS 1 and 2 messages that wait for their turn, in order, bounded.
 *
 * A window of it is in memory. Of a stored session the rest is only in the Store and is read in pages as the window
 * empties, so that an absent client with a million messages costs no heap. Of a session without stored state, or with a
 * store that is in memory itself, all of it is in memory.
 */
import type { Entry } from './entry.ts';
import type { Message } from './message.ts';
import type { Awaitable, QueueSummary, Store, StoredEntry } from './ports.ts';
import { StoreContradiction } from './store-contradiction.ts';

/** Entries of a stored session kept in memory at the most, and entries read at once. */
const WINDOW_ENTRIES = 2048;
export const PAGE_ENTRIES = 1024;

/** Counts the messages that a queue keeps in memory. */
export interface MessageHolder {
  keep(message: Message): void;
  release(message: Message): void;
}

/** Whether it can be read again as it is: the store knows nothing of what this broker has sent. */
function maySpill({ isStored, sent, released }: Entry): boolean {
  return isStored && sent !== 'surely' && !released;
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
  #reading: Promise<boolean> | undefined = undefined;
  /** Entries behind the paged ones that the store never gets: the session is no longer stored. */
  #behind: Entry[] = [];
  #bytes = 0;
  /** Up to this position the broker before this one may have sent. */
  #perhapsSentUpTo = 0;
  readonly #holder: MessageHolder;
  /** Entries may be in the store alone. */
  readonly #pages: boolean;

  /** `pages`: the store keeps entries where they cost no memory of this process. */
  constructor(holder: MessageHolder, pages: boolean) {
    this.#holder = holder;
    this.#pages = pages;
  }

  /** The queue that a store has kept; what lies at or below the position `sentUpTo` may have been sent. */
  restore(summary: QueueSummary, sentUpTo: number): void {
    this.#paged = summary.messages;
    this.#pagedShares = summary.shares;
    this.#bytes = summary.bytes;
    this.#perhapsSentUpTo = sentUpTo;
  }

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
    this.#holder.release(entry.message);
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

  /** Adds at the end. Of a stored session what is beyond the window, or may not be kept in memory, stays in the store alone. */
  push(entry: Entry, isStored: boolean, mayKeep = true): void {
    this.#bytes += entry.message.heldBytes;
    const inMemory = this.#entries.length - this.#head;
    if (isStored && this.#pages && (this.#paged > 0 || !mayKeep || inMemory >= WINDOW_ENTRIES)) {
      this.#page(entry);
      return;
    }
    this.#holder.keep(entry.message);
    if (this.#paged > 0) this.#behind.push(entry);
    else this.#entries.push(entry);
  }

  /** The client of a stored session has gone: what the store has and was never sent leaves memory. */
  spill(): void {
    if (!this.#pages || this.#behind.length > 0 || this.#reading !== undefined) return;
    const entries = this.#entries;
    let first = entries.length;
    while (first > this.#head && maySpill(entries[first - 1])) first -= 1;
    const spilt = entries.splice(first);
    if (spilt.length === 0) return;
    const pagedBefore = this.#paged;
    this.#paged = 0;
    for (const entry of spilt) {
      this.#holder.release(entry.message);
      this.#page(entry);
    }
    this.#paged += pagedBefore;
  }

  /** The entry is the last of those that the store alone has. */
  #page({ position, share }: Entry): void {
    if (this.#paged === 0) this.#pagedAfter = position - 1;
    this.#paged += 1;
    if (share !== undefined) this.#pagedShares += 1;
  }

  /** Puts unfinished deliveries of the former connection back in front, oldest first, to be sent again. */
  putBack(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#bytes += entry.message.heldBytes;
      this.#holder.keep(entry.message);
    }
    this.#entries = [...entries, ...this.#entries.slice(this.#head)];
    this.#head = 0;
  }

  /** Whether the next entries must be read from the store, and nobody reads yet. */
  get isPaged(): boolean {
    return this.#paged > 0 && this.#reading === undefined && this.#head === this.#entries.length;
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

  /**
   * Reads the next page, of `entriesMax` entries at the most. Returns, or resolves with, whether there was one: what is not committed yet stays paged. Then
   * `peek` may be asked again.
   */
  readPage(store: Store, session: number, entriesMax = PAGE_ENTRIES): Awaitable<boolean> {
    let page: Awaitable<readonly StoredEntry[]>;
    try {
      page = store.queue(session, this.#pagedAfter, entriesMax);
    } catch (error) {
      // Told in one way, whether a store answers at once or later.
      return Promise.reject(error);
    }
    if (!(page instanceof Promise)) return this.#took(page);
    this.#reading = page.then((entries) => this.#took(entries));
    return this.#reading;
  }

  /** Settles when no page is under way. */
  async whenRead(): Promise<void> {
    await this.#reading;
  }

  #took(page: readonly StoredEntry[]): boolean {
    this.#reading = undefined;
    for (const stored of page.slice(0, this.#paged)) {
      const sent = stored.released ? 'surely' : stored.position <= this.#perhapsSentUpTo ? 'perhaps' : 'never';
      this.#entries.push({ ...stored, ticket: 0, place: 0, isStored: true, sent });
      this.#holder.keep(stored.message);
      this.#pagedAfter = stored.position;
      this.#paged -= 1;
      if (stored.share !== undefined) this.#pagedShares -= 1;
    }
    if (this.#paged === 0) this.#takeBehind();
    return page.length > 0;
  }

  /** What is wrong where the store, with nothing on its way to it, has none of the entries that it alone should have. */
  lost(session: number): StoreContradiction {
    return new StoreContradiction(
      `Cannot read the queue of session ${session} after position ${this.#pagedAfter}: ` +
        `the store has nothing there, expected are ${this.#paged} entries`,
    );
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
    for (const entry of this.waiting()) this.#holder.release(entry.message);
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
