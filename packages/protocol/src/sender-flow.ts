/**
 * The sender's half of QoS 1 and QoS 2, and its send quota (sections 4.3.2, 4.3.3, 4.9).
 *
 * | state            | PUBACK | PUBREC < 0x80       | PUBREC >= 0x80 | PUBCOMP |
 * |------------------|--------|---------------------|----------------|---------|
 * | not open         | -      | unknown             | unknown        | -       |
 * | QoS 1, published | closes | unknown             | unknown        | -       |
 * | QoS 2, published | -      | release -> released | done, closes   | -       |
 * | QoS 2, released  | -      | release             | release        | closes  |
 *
 * `release` asks for a PUBREL: once it was sent only PUBCOMP closes, whatever a late PUBREC says. `-` and `unknown`
 * change nothing: the peer acknowledged what is not open to it.
 *
 * A small hash table of chains, by identifier: identifiers mostly come in sequence, so a chain holds one entry, and an
 * exchange that stays open while the identifiers go once around costs nothing but its own entry. Entries are used
 * again, so a busy flow allocates nothing; a flow that never opened anything has no table.
 */

/** What waits for which answer. */
export type SenderState = 'published' | 'released';

/** An exchange that is not over. */
export interface OpenExchange<T> {
  /** The Packet Identifier, 1 to 65535. */
  readonly id: number;
  readonly qos: 1 | 2;
  /** 'published': PUBLISH is to be sent again on resuming; 'released': PUBREL is. */
  readonly state: SenderState;
  readonly item: T;
}

class Entry<T> {
  id = 0;
  qos: 1 | 2 = 1;
  isReleased = false;
  /** Rises with every PUBLISH opened and every PUBREC taken: what is re-sent keeps this order. */
  order = 0;
  item: T | undefined = undefined;
  /** The next of the chain, or of the spare ones. */
  next: Entry<T> | undefined = undefined;
}

type Chains<T> = (Entry<T> | undefined)[];

const CHAINS_AT_FIRST = 4;
/** Above this an empty flow gives its memory back. */
const CHAINS_KEPT = 256;

/** The PUBLISH packets above QoS 0 of one session that the peer has not finished, each with an item of the caller. */
export class SenderFlow<T> {
  /** Packets, 0 to 65535: what the peer takes at once on this connection. */
  receiveMaximum: number;
  #size = 0;
  #order = 0;
  #chains: Chains<T> | undefined = undefined;
  #spare: Entry<T> | undefined = undefined;

  constructor(receiveMaximum: number) {
    this.receiveMaximum = receiveMaximum;
  }

  /** Exchanges that are open. Each holds one unit of the quota until it closes. */
  get size(): number {
    return this.#size;
  }

  /** Whether one more PUBLISH above QoS 0 may be sent [MQTT-4.9.0-2]. */
  hasQuota(): boolean {
    return this.#size < this.receiveMaximum;
  }

  /** Whether an exchange is open with this identifier. */
  isOpen(id: number): boolean {
    return this.#find(id) !== undefined;
  }

  /** The item of an open exchange. */
  get(id: number): T | undefined {
    return this.#find(id)?.item;
  }

  /** A PUBLISH is sent. Throws where the identifier is open already: the caller chose it wrongly [MQTT-2.2.1-4]. */
  open(id: number, qos: 1 | 2, item: T): void {
    if (this.#find(id) !== undefined) throw new Error(`Cannot open packet identifier ${id}: it is in use`);
    const chains = this.#chainsForOneMore();
    const entry = this.#spare ?? new Entry<T>();
    this.#spare = entry.next;
    entry.id = id;
    entry.qos = qos;
    entry.isReleased = false;
    entry.order = this.#order++;
    entry.item = item;
    const at = id & (chains.length - 1);
    entry.next = chains[at];
    chains[at] = entry;
    this.#size++;
  }

  /** Closes a QoS 1 exchange and returns its item; undefined where none is open. */
  puback(id: number): T | undefined {
    const entry = this.#find(id);
    return entry === undefined || entry.qos !== 1 ? undefined : this.#close(entry);
  }

  /**
   * 'release': answer with PUBREL [MQTT-4.3.3-4]; 'done': the peer refused the message and the exchange is closed
   * [MQTT-4.4.0-2]; 'unknown': no QoS 2 exchange is open. Get the item before, where it is needed.
   */
  pubrec(id: number, reasonCode: number): 'release' | 'done' | 'unknown' {
    const entry = this.#find(id);
    if (entry === undefined || entry.qos !== 2) return 'unknown';
    if (entry.isReleased) return 'release';
    if (reasonCode >= 0x80) {
      this.#close(entry);
      return 'done';
    }
    entry.isReleased = true;
    entry.order = this.#order++;
    return 'release';
  }

  /** Closes a released QoS 2 exchange and returns its item; undefined where none is open. */
  pubcomp(id: number): T | undefined {
    const entry = this.#find(id);
    return entry?.isReleased ? this.#close(entry) : undefined;
  }

  /**
   * What to send again on resuming: first the PUBRELs in the order of their PUBRECs [MQTT-4.6.0-4], then the PUBLISH
   * packets in their original order [MQTT-4.6.0-1]. A snapshot: the flow may change while it is gone through.
   */
  entries(): OpenExchange<T>[] {
    const open: Entry<T>[] = [];
    for (const chain of this.#chains ?? [])
      for (let entry = chain; entry !== undefined; entry = entry.next) open.push(entry);
    open.sort((a, b) => Number(b.isReleased) - Number(a.isReleased) || a.order - b.order);
    return open.map(({ id, qos, isReleased, item }) => ({
      id,
      qos,
      state: isReleased ? 'released' : 'published',
      item: item as T,
    }));
  }

  /**
   * A new connection carries the flow on: the quota begins anew [MQTT-4.9.0-1] and what is open counts.
   *
   * Where more PUBLISH packets are open than the new maximum allows, the caller sends that many and holds the others
   * back until some are closed.
   */
  resume(receiveMaximum: number): void {
    this.receiveMaximum = receiveMaximum;
  }

  /** Forgets every exchange and gives the memory back. */
  clear(): void {
    this.#size = 0;
    this.#order = 0;
    this.#chains = undefined;
    this.#spare = undefined;
  }

  #find(id: number): Entry<T> | undefined {
    const chains = this.#chains;
    if (chains === undefined) return undefined;
    let entry = chains[id & (chains.length - 1)];
    while (entry !== undefined && entry.id !== id) entry = entry.next;
    return entry;
  }

  #close(entry: Entry<T>): T {
    const item = entry.item as T;
    this.#size--;
    const chains = this.#chains as Chains<T>;
    if (this.#size === 0 && chains.length > CHAINS_KEPT) {
      this.clear();
      return item;
    }
    const at = entry.id & (chains.length - 1);
    let before = chains[at];
    if (before === entry) chains[at] = entry.next;
    else {
      while (before !== undefined && before.next !== entry) before = before.next;
      if (before !== undefined) before.next = entry.next;
    }
    entry.item = undefined;
    entry.next = this.#spare;
    this.#spare = entry;
    return item;
  }

  /** Doubles the table once it has as many entries as chains. */
  #chainsForOneMore(): Chains<T> {
    const former = this.#chains;
    if (former !== undefined && this.#size < former.length) return former;
    const chains: Chains<T> = new Array(former === undefined ? CHAINS_AT_FIRST : former.length * 2).fill(undefined);
    for (const chain of former ?? []) {
      for (let entry = chain; entry !== undefined; ) {
        const next: Entry<T> | undefined = entry.next;
        const at = entry.id & (chains.length - 1);
        entry.next = chains[at];
        chains[at] = entry;
        entry = next;
      }
    }
    this.#chains = chains;
    return chains;
  }
}
