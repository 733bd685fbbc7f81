/** Writes control packets one behind the other into one buffer that grows (section 2.1). */

import { type MqttError, packetTooLarge, protocolError } from './errors.ts';
import type { PacketName } from './packet-types.ts';
import type { ProtocolVersion } from './packets.ts';
import { wrongWithInteger } from './properties.ts';
import { TEXT_BYTES_MAXIMUM, writeUtf8 } from './utf8.ts';
import { VARINT_BYTES_MAXIMUM, VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';

/** Enough for most packets, and small enough to be allocated without a call to the system's allocator. */
const INITIAL_BYTES = 64;
/** The most bytes of UTF-8 that one unit of a string takes. */
const BYTES_PER_UNIT = 3;

/**
 * A buffer of packets. Each is its first byte and a block that holds the fields.
 *
 * What a method throws leaves a packet begun: set `length` back to where it began.
 */
export class PacketWriter {
  /** [0, length) is written; another array once it grew. */
  bytes: Uint8Array;
  length = 0;
  /** What is being written, for its errors and its properties. */
  carrier: PacketName | 'will' = 'publish';
  version: ProtocolVersion = 5;

  /** @param bytes Room at the beginning; it grows as needed. */
  constructor(bytes: number = INITIAL_BYTES) {
    this.bytes = new Uint8Array(bytes);
  }

  /**
   * Keeps room for the length of what follows, a packet's body or a property block; returns what `closeBlock` is to be
   * given, with the same `guess` of that length. Where this is right nothing is moved afterwards.
   */
  openBlock(guess = 0): number {
    this.#reserve(guess + VARINT_BYTES_MAXIMUM);
    this.length += varintSize(guess);
    return this.length;
  }

  /** Puts the length in front of the block. Throws 'packet-too-large' above 268435455 bytes. */
  closeBlock(start: number, guess = 0): void {
    const length = this.length - start;
    if (length > VARINT_MAXIMUM) {
      throw packetTooLarge(`Cannot write ${this.#title}: it has ${length} bytes, at most ${VARINT_MAXIMUM} fit`);
    }
    const kept = varintSize(guess);
    const moved = varintSize(length) - kept;
    if (moved !== 0) {
      this.#reserve(moved);
      this.bytes.copyWithin(start + moved, start, this.length);
      this.length += moved;
    }
    writeVarint(this.bytes, start - kept, length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  /** The lower 16 bits. */
  uint16(value: number): void {
    this.byte(value >>> 8);
    this.byte(value);
  }

  uint32(value: number): void {
    this.uint16(value >>> 16);
    this.uint16(value);
  }

  /** A Variable Byte Integer from 0 to 268435455. */
  varint(value: number): void {
    this.#reserve(4);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  /** Throws 'protocol-error' for anything but 1 to 65535 [MQTT-2.2.1-3]. */
  packetId(value: number): void {
    this.check(value, 1, 0xffff, 'Packet Identifier');
    this.uint16(value);
  }

  /** Throws 'malformed-packet' for text that is no UTF-8 String (1.5.4), 'protocol-error' for what is no text or too long. */
  text(value: string, field: string): void {
    if (typeof value !== 'string') throw this.forbidden(`its ${field} is no text but ${typeof value}`);
    // Longer text does not fit in any case.
    this.#checkLength(value.length, field);
    this.#reserve(2 + BYTES_PER_UNIT * value.length);
    const start = this.length + 2;
    const length = writeUtf8(this.bytes, start, value) - start;
    this.#checkLength(length, field);
    this.uint16(length);
    this.length += length;
  }

  /** Throws 'protocol-error' for what is no Uint8Array or too long. */
  binary(value: Uint8Array, field: string): void {
    // Text would be taken for a list of numbers, all of them 0.
    if (!(value instanceof Uint8Array)) throw this.forbidden(`its ${field} is no Uint8Array but ${typeof value}`);
    this.#checkLength(value.length, field);
    this.uint16(value.length);
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

  /** Throws 'protocol-error' for anything but an integer of this range. */
  check(value: number, minimum: number, maximum: number, field: string): void {
    const why = wrongWithInteger(value, minimum, maximum);
    if (why !== undefined) throw this.forbidden(`its ${field} is ${why}`);
  }

  /** A 'protocol-error' error which names the packet. */
  forbidden(fault: string): MqttError {
    return protocolError(`Cannot write ${this.#title}: ${fault}`);
  }

  get #title(): string {
    return this.carrier.toUpperCase();
  }

  #checkLength(length: number, field: string): void {
    if (length <= TEXT_BYTES_MAXIMUM) return;
    throw this.forbidden(`its ${field} has ${length} bytes, at most ${TEXT_BYTES_MAXIMUM} fit`);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
