/** Cuts the byte stream of a connection into whole control packets (section 2.1). */

import { malformedPacket, packetTooLarge } from './errors.ts';
import { PacketType } from './packet-types.ts';

const NO_BYTES = new Uint8Array(0);
/** Least memory for a packet that is being gathered, unless the packet is smaller. */
const GATHER_BYTES = 4096;
/** Type byte and a Remaining Length of four bytes. */
const HEADER_BYTES = 5;

/**
 * Finds packets in the chunks of one connection, in order.
 *
 * After `push(chunk)` call `next()` until it returns false; each true leaves a whole packet in `bytes`, [start, end).
 * A packet that lies wholly in a chunk is a view of the chunk; one that spans chunks is gathered in memory of its own.
 * After a throw the stream has no defined continuation: close the connection.
 *
 * A packet is gathered in memory that grows with the bytes received, at most twice those plus 4 KiB, whatever length
 * it claims; so a peer pays for what we hold. Nothing is held while no packet is half read.
 */
export class FrameReader {
  /** Largest packet accepted, in bytes, fixed header included. May be changed at any time. */
  maximumPacketSize: number;
  /** The same for packets other than PUBLISH, where that is less. */
  maximumControlSize = Number.POSITIVE_INFINITY;
  /** Where the current packet lies; empty when there is none. */
  bytes: Uint8Array = NO_BYTES;
  /** Offset of the current packet's first byte. */
  start = 0;
  /** Offset behind the fixed header. */
  bodyStart = 0;
  /** Offset behind the packet. */
  end = 0;
  /** True when nobody will ever write to the current packet's bytes again: views of them may be kept. */
  owned = false;

  #chunk: Uint8Array = NO_BYTES;
  #at = 0;
  #chunkEnd = 0;
  #chunkOwned = false;

  #gathered: Uint8Array = NO_BYTES;
  #gatheredLength = 0;
  /** Size of the packet being gathered; 0 until its fixed header is complete. */
  #packetSize = 0;
  #headerSize = 0;

  constructor(maximumPacketSize: number) {
    this.maximumPacketSize = maximumPacketSize;
  }

  /** Bytes of memory this reader owns: a half-read packet and what `hold` set aside. */
  get heldBytes(): number {
    return this.#gathered.length + (this.#chunkOwned ? this.#chunk.length : 0);
  }

  /**
   * Appends bytes of the stream. The chunk must stay as it is until the next `push` or `hold`, or until `next` has
   * returned false. What earlier chunks still hold unread is set aside first and read first.
   */
  push(chunk: Uint8Array): void {
    if (this.#at < this.#chunkEnd) {
      this.#append(chunk);
      return;
    }
    this.#chunk = chunk;
    this.#at = 0;
    this.#chunkEnd = chunk.length;
    this.#chunkOwned = false;
  }

  /**
   * Steps to the next whole packet.
   *
   * False: everything was read and the chunk is free; a packet begun was copied. Throws 'packet-too-large' (0x95) as
   * soon as a fixed header claims more than `maximumPacketSize`, 'malformed-packet' for a Remaining Length of five
   * bytes or in padded form [MQTT-1.5.5-1]. Type and flags are judged by whoever decodes the packet.
   */
  next(): boolean {
    if (this.#gatheredLength > 0) return this.#gather();
    const available = this.#chunkEnd - this.#at;
    if (available === 0) return this.#idle();

    const headerSize = this.#readHeader(this.#chunk, this.#at, this.#chunkEnd);
    if (headerSize === 0 || this.#packetSize > available) return this.#gather();
    this.bytes = this.#chunk;
    this.start = this.#at;
    this.bodyStart = this.#at + headerSize;
    this.end = this.#at + this.#packetSize;
    this.owned = this.#chunkOwned;
    this.#at = this.end;
    this.#packetSize = 0;
    return true;
  }

  /**
   * Copies what is not yet read, so that the chunk may be reused; reading goes on as before.
   *
   * The current packet counts as read: whoever still needs it copies it first.
   */
  hold(): void {
    if (this.#chunkOwned) return;
    // Not `slice`: that of a Node Buffer is a view.
    const rest = this.#at < this.#chunkEnd ? new Uint8Array(this.#chunk.subarray(this.#at, this.#chunkEnd)) : NO_BYTES;
    this.#chunk = rest;
    this.#at = 0;
    this.#chunkEnd = rest.length;
    this.#chunkOwned = rest.length > 0;
  }

  /** Puts a chunk behind bytes set aside; spare room behind them has never been handed out and may be filled. */
  #append(chunk: Uint8Array): void {
    const unread = this.#chunkEnd - this.#at;
    if (!this.#chunkOwned || this.#chunk.length - this.#chunkEnd < chunk.length) {
      const grown = new Uint8Array(Math.max(unread + chunk.length, 2 * unread));
      grown.set(this.#chunk.subarray(this.#at, this.#chunkEnd));
      this.#chunk = grown;
      this.#at = 0;
      this.#chunkEnd = unread;
      this.#chunkOwned = true;
    }
    this.#chunk.set(chunk, this.#chunkEnd);
    this.#chunkEnd += chunk.length;
  }

  #idle(): false {
    this.#chunk = NO_BYTES;
    this.#at = 0;
    this.#chunkEnd = 0;
    this.#chunkOwned = false;
    this.bytes = NO_BYTES;
    this.start = 0;
    this.bodyStart = 0;
    this.end = 0;
    this.owned = false;
    return false;
  }

  /**
   * Reads a fixed header; sets `#packetSize` and returns the header's size, or 0 when it is incomplete.
   */
  #readHeader(bytes: Uint8Array, at: number, end: number): number {
    let remainingLength = 0;
    for (let size = 1; size < HEADER_BYTES; size++) {
      if (at + size >= end) return 0;
      const byte = bytes[at + size];
      remainingLength |= (byte & 0x7f) << (7 * (size - 1));
      if (byte >= 0x80) continue;
      if (byte === 0 && size > 1) {
        throw malformedPacket('Cannot read a packet: its Remaining Length is padded with zero bits [MQTT-1.5.5-1]');
      }
      this.#checkSize(bytes[at], size + 1 + remainingLength);
      this.#packetSize = size + 1 + remainingLength;
      return size + 1;
    }
    throw malformedPacket('Cannot read a packet: its Remaining Length has more than four bytes [MQTT-1.5.5-1]');
  }

  #checkSize(typeByte: number, packetSize: number): void {
    const isControl = typeByte >> 4 !== PacketType.publish;
    const maximum = isControl ? Math.min(this.maximumControlSize, this.maximumPacketSize) : this.maximumPacketSize;
    if (packetSize <= maximum) return;
    const what = maximum < this.maximumPacketSize ? 'other than PUBLISH, it may have' : 'the Maximum Packet Size is';
    throw packetTooLarge(`Cannot read a packet of ${packetSize} bytes: ${what} ${maximum}`);
  }

  /** Moves bytes from the chunk to the packet being gathered; true when that completes it. */
  #gather(): boolean {
    if (this.#headerSize === 0) this.#gatherHeader();
    if (this.#headerSize > 0) this.#take(this.#packetSize - this.#gatheredLength);
    if (this.#headerSize === 0 || this.#gatheredLength < this.#packetSize) return this.#idle();

    this.bytes = this.#gathered;
    this.start = 0;
    this.bodyStart = this.#headerSize;
    this.end = this.#packetSize;
    this.owned = true;
    this.#gathered = NO_BYTES;
    this.#gatheredLength = 0;
    this.#packetSize = 0;
    this.#headerSize = 0;
    return true;
  }

  /** At most five bytes, one at a time, so that no byte of the next packet is taken. */
  #gatherHeader(): void {
    while (this.#headerSize === 0 && this.#at < this.#chunkEnd) {
      this.#take(1);
      this.#headerSize = this.#readHeader(this.#gathered, 0, this.#gatheredLength);
    }
  }

  #take(wanted: number): void {
    const count = Math.min(wanted, this.#chunkEnd - this.#at);
    const length = this.#gatheredLength + count;
    if (length > this.#gathered.length) this.#grow(length);
    this.#gathered.set(this.#chunk.subarray(this.#at, this.#at + count), this.#gatheredLength);
    this.#gatheredLength = length;
    this.#at += count;
  }

  #grow(length: number): void {
    const capacity =
      this.#headerSize === 0 ? HEADER_BYTES : Math.min(this.#packetSize, Math.max(2 * length, GATHER_BYTES));
    const grown = new Uint8Array(capacity);
    grown.set(this.#gathered.subarray(0, this.#gatheredLength));
    this.#gathered = grown;
  }
}
