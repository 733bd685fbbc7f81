/**
 * The receiver's half of QoS 2 (section 4.3.3): which Packet Identifiers wait for their PUBREL.
 *
 *   identifier    PUBLISH                          PUBREL
 *   unknown       → waiting: a new message         PUBCOMP 0x92
 *   waiting       a repeat: PUBREC, no delivery    → unknown: PUBCOMP 0x00
 *
 * A flow that was never used holds no set.
 */

/** The open QoS 2 exchanges of one session, as their receiver. */
export class ReceiverFlow {
  #waiting: Set<number> | undefined = undefined;

  /** Identifiers that wait for PUBREL. */
  get size(): number {
    return this.#waiting?.size ?? 0;
  }

  /** Whether an identifier waits for PUBREL. */
  has(id: number): boolean {
    return this.#waiting?.has(id) === true;
  }

  /** A QoS 2 PUBLISH: 'new' is delivered, 'repeat' is not [MQTT-4.3.3-10]; both get PUBREC. */
  receive(id: number): 'new' | 'repeat' {
    this.#waiting ??= new Set();
    if (this.#waiting.has(id)) return 'repeat';
    this.#waiting.add(id);
    return 'new';
  }

  /** PUBREC said 0x80 or more: the identifier means a new message from now on [MQTT-4.3.3-9]. */
  refuse(id: number): void {
    this.#waiting?.delete(id);
  }

  /** PUBREL: false where the identifier is unknown, which 5.0 answers with PUBCOMP 0x92 [MQTT-4.3.3-11]. */
  release(id: number): boolean {
    return this.#waiting?.delete(id) === true;
  }

  /** Forgets every exchange. */
  clear(): void {
    this.#waiting = undefined;
  }
}
