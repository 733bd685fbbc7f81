/**
 * The sender's half of QoS 1 and QoS 2 (section 4.3), for a broker towards its subscribers and a client towards its server.
 *
 *   state       PUBACK    PUBREC < 0x80    PUBREC ≥ 0x80    PUBCOMP    on a resumed session
 *   QoS 1 sent  over      ignored          ignored          ignored    PUBLISH again, DUP 1
 *   QoS 2 sent  ignored   → released       over             ignored    PUBLISH again, DUP 1
 *   released    ignored   PUBREL again     ignored          over       PUBREL again
 *
 * Every open exchange takes a unit of the receiver's Receive Maximum and gives it back when it is over (section 4.9).
 *
 * Identifiers are mostly sequential, so the exchanges stand in a ring of slots at `identifier & mask`. Where two open
 * ones would meet in a slot the ring doubles, at the most to one slot for each identifier. A flow that was never used
 * has no ring.
 */

/** One open exchange. */
export interface OpenExchange<T> {
  readonly id: number;
  readonly qos: 1 | 2;
  readonly state: 'published' | 'released';
  readonly item: T;
}

const FREE = 0;
const QOS1_SENT = 1;
const QOS2_SENT = 2;
const RELEASED = 3;

const FIRST_SLOTS = 8;

interface Ring<T> {
  readonly mask: number;
  readonly ids: Uint16Array;
  readonly states: Uint8Array;
  /** Orders the exchanges: of the PUBLISH, and of the PUBREC once released. */
  readonly sequences: Float64Array;
  readonly items: (T | undefined)[];
}

export class SenderFlow<T> {
  /** Receive Maximum of the other side. */
  receiveMaximum: number;
  #ring: Ring<T> | undefined = undefined;
  #size = 0;
  #sequence = 0;

  constructor(receiveMaximum: number) {
    this.receiveMaximum = receiveMaximum;
  }

  /** Open exchanges. */
  get size(): number {
    return this.#size;
  }

  /** Whether one more PUBLISH may be sent [MQTT-4.9.0-2]. */
  hasQuota(): boolean {
    return this.#size < this.receiveMaximum;
  }

  isOpen(id: number): boolean {
    const ring = this.#ring;
    return ring !== undefined && ring.states[id & ring.mask] !== FREE && ring.ids[id & ring.mask] === id;
  }

  /** What was given with the identifier; undefined where it is not open. */
  get(id: number): T | undefined {
    const ring = this.#ring;
    return ring !== undefined && this.isOpen(id) ? ring.items[id & ring.mask] : undefined;
  }

  /** A PUBLISH was sent. The identifier (1 to 65535) must not be open [MQTT-2.2.1-3]. */
  open(id: number, qos: 1 | 2, item: T): void {
    let ring = this.#ring ?? makeRing<T>(FIRST_SLOTS);
    while (ring.states[id & ring.mask] !== FREE) ring = doubled(ring);
    this.#ring = ring;
    const slot = id & ring.mask;
    ring.ids[slot] = id;
    ring.states[slot] = qos;
    ring.sequences[slot] = ++this.#sequence;
    ring.items[slot] = item;
    this.#size += 1;
  }

  /** PUBACK: returns what was given with the identifier; undefined where it is not open at QoS 1. */
  puback(id: number): T | undefined {
    return this.#close(id, QOS1_SENT);
  }

  /**
   * PUBREC. 'release': send PUBREL [MQTT-4.3.3-4]. 'done': a failure, the exchange is over [MQTT-4.4.0-2].
   * 'unknown': not open at QoS 2; 5.0 answers PUBREL 0x92.
   */
  pubrec(id: number, reasonCode: number): 'release' | 'done' | 'unknown' {
    const ring = this.#ring;
    if (ring === undefined || !this.isOpen(id)) return 'unknown';
    const slot = id & ring.mask;
    if (ring.states[slot] === RELEASED) return 'release';
    if (ring.states[slot] !== QOS2_SENT) return 'unknown';
    if (reasonCode >= 0x80) {
      this.#close(id, QOS2_SENT);
      return 'done';
    }
    ring.states[slot] = RELEASED;
    ring.sequences[slot] = ++this.#sequence;
    return 'release';
  }

  /** PUBCOMP: returns what was given with the identifier; undefined where no PUBREL is open for it. */
  pubcomp(id: number): T | undefined {
    return this.#close(id, RELEASED);
  }

  /** The open exchanges in the order in which they are sent again [MQTT-4.4.0-1]. */
  *entries(): Generator<OpenExchange<T>> {
    const ring = this.#ring;
    if (ring === undefined) return;
    const slots: number[] = [];
    for (let slot = 0; slot <= ring.mask; slot++) if (ring.states[slot] !== FREE) slots.push(slot);
    slots.sort((a, b) => ring.sequences[a] - ring.sequences[b]);
    for (const slot of slots) {
      const state = ring.states[slot];
      const item = ring.items[slot] as T;
      yield {
        id: ring.ids[slot],
        qos: state === QOS1_SENT ? 1 : 2,
        state: state === RELEASED ? 'released' : 'published',
        item,
      };
    }
  }

  /** Another connection takes the session up: its Receive Maximum holds from now on, counting what is open. */
  resume(receiveMaximum: number): void {
    this.receiveMaximum = receiveMaximum;
  }

  /** Forgets every exchange. */
  clear(): void {
    this.#ring = undefined;
    this.#size = 0;
  }

  #close(id: number, state: number): T | undefined {
    const ring = this.#ring;
    if (ring === undefined) return undefined;
    const slot = id & ring.mask;
    if (ring.states[slot] !== state || ring.ids[slot] !== id) return undefined;
    const item = ring.items[slot];
    ring.states[slot] = FREE;
    ring.items[slot] = undefined;
    this.#size -= 1;
    return item;
  }
}

function makeRing<T>(slots: number): Ring<T> {
  return {
    mask: slots - 1,
    ids: new Uint16Array(slots),
    states: new Uint8Array(slots),
    sequences: new Float64Array(slots),
    items: new Array<T | undefined>(slots).fill(undefined),
  };
}

/** A ring of twice the slots: identifiers that differ below its size never meet in it. */
function doubled<T>(ring: Ring<T>): Ring<T> {
  const larger = makeRing<T>((ring.mask + 1) * 2);
  for (let slot = 0; slot <= ring.mask; slot++) {
    if (ring.states[slot] === FREE) continue;
    const to = ring.ids[slot] & larger.mask;
    larger.ids[to] = ring.ids[slot];
    larger.states[to] = ring.states[slot];
    larger.sequences[to] = ring.sequences[slot];
    larger.items[to] = ring.items[slot];
  }
  return larger;
}
