/** What is to be sent to one device over its present connection, and what was: ids alone, the commands stay in the table. */

/** `given`: it went out over this connection and is not sent over it again. */
export type EntryStatus = 'waiting' | 'sending' | 'given';

export interface Entry {
  readonly id: string;
  readonly type: string;
  readonly order: number;
  /** Changed by the lane alone. */
  status: EntryStatus;
  /** The command has ended while it was on its way: what goes next waits until it is known how it fared. */
  isEnded: boolean;
  /** How often it went out, where nothing was stored about it. */
  attempts: number;
}

export type Waiting = Pick<Entry, 'id' | 'type' | 'order'>;

export class Lane {
  readonly deviceId: string;
  /** In the order of request. */
  #entries = new Map<string, Entry>();
  #lastOrder = 0;
  /** `absent`: what the table has for the device is still to be read. */
  content: 'absent' | 'loading' | 'complete';

  constructor(deviceId: string, content: 'absent' | 'complete') {
    this.deviceId = deviceId;
    this.content = content;
  }

  /** Whether the entry may go out. */
  has(entry: Entry): boolean {
    return this.#entries.get(entry.id) === entry && !entry.isEnded;
  }

  /** Adds what it does not have yet. */
  add(found: readonly Waiting[]): void {
    let isInOrder = true;
    for (const { id, type, order } of found) {
      if (this.#entries.has(id)) continue;
      isInOrder &&= order > this.#lastOrder;
      this.#lastOrder = Math.max(this.#lastOrder, order);
      this.#entries.set(id, { id, type, order, status: 'waiting', isEnded: false, attempts: 0 });
    }
    if (isInOrder) return;
    const sorted = [...this.#entries].sort(([, one], [, other]) => one.order - other.order);
    this.#entries = new Map(sorted);
  }

  /** The command has ended. */
  end(id: string): void {
    const entry = this.#entries.get(id);
    if (entry?.status === 'sending') entry.isEnded = true;
    else this.#entries.delete(id);
  }

  /** It is not on its way any more: it waits again, was given, or has ended. */
  settle(entry: Entry, status: 'waiting' | 'given'): void {
    entry.status = status;
    if (entry.isEnded) this.#entries.delete(entry.id);
  }

  /** Marks as on their way those that may go out now: one of each type, the oldest first, so many in all. */
  take(inFlightMax: number): readonly Entry[] {
    const busy = new Set<string>();
    for (const { type, status } of this.#entries.values()) if (status === 'sending') busy.add(type);
    const taken: Entry[] = [];
    for (const entry of this.#entries.values()) {
      if (busy.size >= inFlightMax) break;
      if (entry.status !== 'waiting' || busy.has(entry.type)) continue;
      busy.add(entry.type);
      entry.status = 'sending';
      taken.push(entry);
    }
    return taken;
  }
}
