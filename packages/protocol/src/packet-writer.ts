/** Writes the fields of one control packet in order and puts the fixed header in front (section 2.1). */

import { MqttError, protocolError } from './errors.ts';
import type { Properties } from './packets.ts';
import { type PropertyCarrier, propertiesLength, writeProperties } from './properties.ts';
import { TEXT_BYTES_MAXIMUM, utf8Length, writeUtf8 } from './utf8.ts';
import { VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';

/** Room in front for type, flags and a Remaining Length of four bytes. */
const HEADER_BYTES = 5;
/** Enough for most packets, and small enough to be allocated without a call to the system's allocator. */
const INITIAL_BYTES = 64;

/** A packet under construction: the body first, the fixed header when its length is known. */
export class PacketWriter {
  readonly #title: string;
  #bytes: Uint8Array;
  #at = HEADER_BYTES;

  /** `title` names the packet in errors; `bodyBytes` is a guess of its size, which grows as needed. */
  constructor(title: string, bodyBytes = 0) {
    this.#title = title;
    this.#bytes = new Uint8Array(Math.max(INITIAL_BYTES, HEADER_BYTES + bodyBytes));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** Throws 'protocol-error' for anything but an integer from 0 to 65535. */
  uint16(value: number, field: string): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
      throw this.forbidden(`its ${field} is ${value}, expected 0 to 65535`);
    }
    this.#reserve(2);
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value & 0xff;
  }

  /** Throws 'protocol-error' for anything but 1 to 65535 [MQTT-2.2.1-3]. */
  packetId(value: number): void {
    if (value === 0) throw this.forbidden('its Packet Identifier is 0 [MQTT-2.2.1-3]');
    this.uint16(value, 'Packet Identifier');
  }

  /** Throws 'malformed-packet' for text that is no UTF-8 String (1.5.4). */
  text(value: string, field: string): void {
    const length = utf8Length(value);
    this.#checkLength(length, field);
    this.#reserve(2 + length);
    this.uint16(length, field);
    this.#at = writeUtf8(this.#bytes, this.#at, value);
  }

  binary(value: Uint8Array, field: string): void {
    this.#checkLength(value.length, field);
    this.uint16(value.length, field);
    this.raw(value);
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** A property block with its length in front. */
  properties(properties: Properties, carrier: PropertyCarrier): void {
    const length = propertiesLength(properties, carrier);
    this.#reserve(varintSize(length) + length);
    this.#at = writeProperties(this.#bytes, writeVarint(this.#bytes, this.#at, length), properties);
  }

  /** The whole packet, in bytes of its own or a view of them. Throws 'packet-too-large' above 268435455 bytes of body. */
  finish(firstByte: number): Uint8Array {
    const remainingLength = this.#at - HEADER_BYTES;
    if (remainingLength > VARINT_MAXIMUM) {
      const message = `Cannot write ${this.#title}: it has ${remainingLength} bytes, at most ${VARINT_MAXIMUM} fit`;
      throw new MqttError('packet-too-large', 0x95, message);
    }
    const start = HEADER_BYTES - 1 - varintSize(remainingLength);
    this.#bytes[start] = firstByte;
    writeVarint(this.#bytes, start + 1, remainingLength);
    return this.#bytes.subarray(start, this.#at);
  }

  /** A 'protocol-error' error which names the packet. */
  forbidden(fault: string): MqttError {
    return protocolError(`Cannot write ${this.#title}: ${fault}`);
  }

  #checkLength(length: number, field: string): void {
    if (length <= TEXT_BYTES_MAXIMUM) return;
    throw this.forbidden(`its ${field} has ${length} bytes, at most ${TEXT_BYTES_MAXIMUM} fit`);
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }
}
