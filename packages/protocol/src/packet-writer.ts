/** Writes control packets one behind the other into one buffer that grows (section 2.1). */

import { MqttError, protocolError } from './errors.ts';
import { TEXT_BYTES_MAXIMUM, writeUtf8 } from './utf8.ts';
import { VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';

/** Enough for most packets, and small enough to be allocated without a call to the system's allocator. */
const INITIAL_BYTES = 64;
/** The most bytes of UTF-8 that one unit of a string takes. */
const BYTES_PER_UNIT = 3;

/**
 * A buffer of packets. `begin`, the fields, `finish`: a packet; then the next may begin.
 *
 * What a method throws leaves a packet begun: set `length` back to where it began.
 */
export class PacketWriter {
  /** [0, length) is written; another array once it grew. */
  bytes: Uint8Array;
  length = 0;
  #title = '';
  /** Where the Remaining Length of the packet begins, and how many bytes were kept for it. */
  #body = 0;
  #kept = 1;

  /** @param bytes Room at the beginning; it grows as needed. */
  constructor(bytes: number = INITIAL_BYTES) {
    this.bytes = new Uint8Array(bytes);
  }

  /**
   * Begins a packet. `title` names it in errors; `bodyBytes` is a guess of its Remaining Length, and where it is right
   * nothing is moved afterwards.
   */
  begin(title: string, firstByte: number, bodyBytes = 0): void {
    this.#title = title;
    this.#reserve(bodyBytes + 5);
    this.bytes[this.length] = firstByte;
    this.#body = this.length + 1;
    this.#kept = varintSize(bodyBytes);
    this.length = this.#body + this.#kept;
  }

  /** Ends the packet: puts its length in front. Throws 'packet-too-large' above 268435455 bytes of body. */
  finish(): void {
    this.#close(this.#body, this.#kept);
  }

  /** Keeps room for the length of what follows, as a property block has it; returns what `closeBlock` is to be given. */
  openBlock(): number {
    this.byte(0);
    return this.length - 1;
  }

  closeBlock(block: number): void {
    this.#close(block, 1);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Throws 'protocol-error' for anything but an integer from 0 to 65535. */
  uint16(value: number, field: string): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff) {
      throw this.forbidden(`its ${field} is ${value} (${typeof value}), expected 0 to 65535`);
    }
    this.byte(value >>> 8);
    this.byte(value);
  }

  uint32(value: number, field: string): void {
    this.uint16(value >>> 16, field);
    this.uint16(value & 0xffff, field);
  }

  /** A Variable Byte Integer from 0 to 268435455. */
  varint(value: number): void {
    this.#reserve(4);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** Throws 'protocol-error' for anything but 1 to 65535 [MQTT-2.2.1-3]. */
  packetId(value: number): void {
    if (value === 0) throw this.forbidden('its Packet Identifier is 0 [MQTT-2.2.1-3]');
    this.uint16(value, 'Packet Identifier');
  }

  /** Throws 'malformed-packet' for text that is no UTF-8 String (1.5.4), 'protocol-error' for what is no text or too long. */
  text(value: string, field: string): void {
    if (typeof value !== 'string') throw this.forbidden(`its ${field} is no text but ${typeof value}`);
    // Longer text does not fit in any case.
    const units = Math.min(value.length, TEXT_BYTES_MAXIMUM + 1);
    this.#reserve(2 + BYTES_PER_UNIT * units);
    const start = this.length + 2;
    const length = units < value.length ? units : writeUtf8(this.bytes, start, value) - start;
    this.#checkLength(length, field);
    this.uint16(length, field);
    this.length = start + length;
  }

  /** Throws 'protocol-error' for what is no Uint8Array or too long. */
  binary(value: Uint8Array, field: string): void {
    // Text would be taken for a list of numbers, all of them 0.
    if (!(value instanceof Uint8Array)) throw this.forbidden(`its ${field} is no Uint8Array but ${typeof value}`);
    this.#checkLength(value.length, field);
    this.uint16(value.length, field);
    this.raw(value);
  }

  /** Throws as `text` does, and 'protocol-error' for what is no pair. */
  pair(value: readonly [string, string], field: string): void {
    if (!Array.isArray(value) || value.length !== 2)
      throw this.forbidden(`its ${field} is ${typeof value}, expected [name, value]`);
    for (const text of value) this.text(text, field);
  }

  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
  }

  /** A 'protocol-error' error which names the packet. */
  forbidden(fault: string): MqttError {
    return protocolError(`Cannot write ${this.#title}: ${fault}`);
  }

  #checkLength(length: number, field: string): void {
    if (length <= TEXT_BYTES_MAXIMUM) return;
    throw this.forbidden(`its ${field} has ${length} bytes, at most ${TEXT_BYTES_MAXIMUM} fit`);
  }

  /** Puts the length of what follows at `start`, where `kept` bytes are free for it. */
  #close(start: number, kept: number): void {
    const length = this.length - start - kept;
    if (length > VARINT_MAXIMUM) {
      const message = `Cannot write ${this.#title}: it has ${length} bytes, at most ${VARINT_MAXIMUM} fit`;
      throw new MqttError('packet-too-large', 0x95, message);
    }
    const moved = varintSize(length) - kept;
    if (moved !== 0) {
      this.#reserve(moved);
      this.bytes.copyWithin(start + kept + moved, start + kept, this.length);
      this.length += moved;
    }
    writeVarint(this.bytes, start, length);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
