/** Packet Identifiers of one side of a connection that sends more than PUBLISH: which are free (section 2.2.1). */
import { MqttError } from './errors.ts';

const LAST = 0xffff;

/** Packet Identifiers 1 to 65535, given out in turn. */
export class PacketIdentifiers {
  readonly #used = new Set<number>();
  #latest = 0;

  /** Identifiers in use. */
  get inUse(): number {
    return this.#used.size;
  }

  /**
   * Takes the next free identifier, 1 to 65535 and around again [MQTT-2.2.1-3].
   * @throws MqttError 'packet-identifiers-exhausted' where all are in use
   */
  next(): number {
    if (this.#used.size >= LAST)
      throw new MqttError(
        'packet-identifiers-exhausted',
        0x97,
        'Cannot take a Packet Identifier: all are in use [MQTT-2.2.1-3]',
      );
    do this.#latest = this.#latest === LAST ? 1 : this.#latest + 1;
    while (this.#used.has(this.#latest));
    this.#used.add(this.#latest);
    return this.#latest;
  }

  /** Marks an identifier as in use, such as that of an exchange taken up again. */
  use(id: number): void {
    this.#used.add(id);
  }

  /** Gives an identifier back; nothing happens where it is not in use. */
  free(id: number): void {
    this.#used.delete(id);
  }
}
