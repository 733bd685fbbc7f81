/** Reads the fields of one control packet in order, never past its end (section 1.5). */

import { type MqttError, malformedPacket, protocolError } from './errors.ts';
import type { Side } from './packet-types.ts';
import { NO_PROPERTIES, type Properties } from './packets.ts';
import { type PropertyCarrier, readProperties } from './properties.ts';
import { readUtf8 } from './utf8.ts';
import { readVarint, varintSize } from './varint.ts';

/**
 * A position in the variable header and payload of a packet.
 *
 * Every method takes the field's name for the error text and throws 'malformed-packet' when the packet ends inside it.
 */
export class PacketReader {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Offset of the next field. */
  at: number;
  readonly #title: string;
  readonly #strictText: boolean;

  constructor(title: string, bytes: Uint8Array, at: number, end: number, strictText: boolean) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.#title = title;
    this.#strictText = strictText;
  }

  /** Bytes not yet read. */
  get rest(): number {
    return this.end - this.at;
  }

  byte(field: string): number {
    return this.bytes[this.#advance(1, field)];
  }

  uint16(field: string): number {
    const at = this.#advance(2, field);
    return (this.bytes[at] << 8) | this.bytes[at + 1];
  }

  /** A Packet Identifier; throws 'protocol-error' for 0 [MQTT-2.2.1-3]. */
  packetId(): number {
    const packetId = this.uint16('Packet Identifier');
    if (packetId === 0) throw protocolError(`Cannot read ${this.#title}: its Packet Identifier is 0 [MQTT-2.2.1-3]`);
    return packetId;
  }

  text(field: string): string {
    const length = this.uint16(field);
    const start = this.#advance(length, field);
    return readUtf8(this.bytes, start, this.at, this.#strictText);
  }

  /** A view, no copy. */
  binary(field: string): Uint8Array {
    const length = this.uint16(field);
    const start = this.#advance(length, field);
    return this.bytes.subarray(start, this.at);
  }

  /** A property block with its length in front. */
  properties(carrier: PropertyCarrier, sender: Side): Properties {
    const length = readVarint(this.bytes, this.at, this.end);
    this.at += varintSize(length);
    const start = this.#advance(length, 'properties');
    return length === 0 ? NO_PROPERTIES : readProperties(this.bytes, start, this.at, carrier, sender, this.#strictText);
  }

  /** Throws 'malformed-packet' when bytes are left over. */
  finish(): void {
    if (this.at === this.end) return;
    throw this.malformed(`${this.end - this.at} bytes are left over behind its last field`);
  }

  /** A 'malformed-packet' error which names the packet. */
  malformed(fault: string): MqttError {
    return malformedPacket(`Cannot read ${this.#title}: ${fault}`);
  }

  /** A 'protocol-error' error which names the packet. */
  forbidden(fault: string): MqttError {
    return protocolError(`Cannot read ${this.#title}: ${fault}`);
  }

  #advance(count: number, field: string): number {
    const { at } = this;
    if (at + count > this.end) throw this.malformed(`the packet ends inside its ${field}`);
    this.at = at + count;
    return at;
  }
}
