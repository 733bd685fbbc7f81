/**
 * Cuts the bytes of a connection into whole control packets (section 2.1), in few bytes of code: the client's way. A
 * broker, which holds many half-read packets, takes `FrameReader`.
 */

import { packetTooLarge } from './errors.ts';
import { readVarint, VARINT_BYTES_MAXIMUM } from './varint.ts';

/**
 * After `push(chunk)` call `next()` until it returns false; each true leaves a whole packet in `bytes`, [start, end),
 * with its variable header at `bodyStart`. It is a view of the chunk or of memory that is written no more. What is not
 * whole yet is copied, in memory of at most twice the bytes that came.
 */
export class PacketStream {
  /** Largest packet accepted, in bytes, fixed header included; a change holds from the next packet on. */
  maximumPacketSize: number;
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  bodyStart = 0;
  end = 0;
  /** Where the unread bytes end. */
  #filled = 0;
  #isOurs = false;

  constructor(maximumPacketSize: number) {
    this.maximumPacketSize = maximumPacketSize;
  }

  /** Appends bytes. The chunk must stay as it is until `next` has returned false, or until `hold`. */
  push(chunk: Uint8Array): void {
    const unread = this.#filled - this.end;
    if (unread === 0) this.#take(chunk, chunk.length, false);
    else {
      if (!this.#isOurs || this.#filled + chunk.length > this.bytes.length) this.#copy(2 * unread + chunk.length);
      this.bytes.set(chunk, this.#filled);
      this.#filled += chunk.length;
    }
  }

  /**
   * Steps to the next whole packet; false: the chunk is free. Throws 'packet-too-large' (0x95) and, for a Remaining Length
   * of five bytes or in padded form [MQTT-1.5.5-1], 'malformed-packet'; there is then no going on.
   */
  next(): boolean {
    const { bytes, end: start } = this;
    let lengthEnd = start + 1;
    while (bytes[lengthEnd] >= 0x80 && lengthEnd < start + VARINT_BYTES_MAXIMUM) lengthEnd += 1;
    if (lengthEnd < this.#filled) {
      const bodyStart = lengthEnd + 1;
      const end = bodyStart + readVarint(bytes, start + 1, bodyStart);
      const size = end - start;
      if (size > this.maximumPacketSize) {
        throw packetTooLarge(
          `Cannot read a packet of ${size} bytes: the Maximum Packet Size is ${this.maximumPacketSize}`,
        );
      }
      if (end <= this.#filled) {
        this.start = start;
        this.bodyStart = bodyStart;
        this.end = end;
        return true;
      }
    }
    this.hold();
    return false;
  }

  /** Copies what is not read, so that the chunk may be reused. */
  hold(): void {
    const unread = this.#filled - this.end;
    if (!this.#isOurs || unread === 0) this.#copy(unread);
  }

  #copy(capacity: number): void {
    const rest = this.bytes.subarray(this.end, this.#filled);
    const grown = new Uint8Array(capacity);
    grown.set(rest);
    this.#take(grown, rest.length, true);
  }

  #take(bytes: Uint8Array, filled: number, isOurs: boolean): void {
    this.bytes = bytes;
    this.end = 0;
    this.#filled = filled;
    this.#isOurs = isOurs;
  }
}
