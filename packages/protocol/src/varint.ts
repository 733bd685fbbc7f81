/** Variable Byte Integers: seven bits a byte, least significant first, always in the shortest form (section 1.5.5). */

import { type MqttError, malformedPacket } from './errors.ts';

/** The largest Variable Byte Integer, and so the largest Remaining Length: 268435455. */
export const VARINT_MAXIMUM = 268_435_455;

/** The largest packet there is, bytes: its type byte, a Remaining Length of four bytes and the most that this can say. */
export const PACKET_BYTES_MAXIMUM = 1 + 4 + VARINT_MAXIMUM;

/** The most bytes that one takes. */
export const VARINT_BYTES_MAXIMUM = 4;

/** How many bytes the integer takes, 1 to 4. The value must be 0 to `VARINT_MAXIMUM`. */
export function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

/**
 * Reads the integer at `at`. As only the shortest form is accepted, the next field begins at `at + varintSize(value)`.
 *
 * Throws 'malformed-packet' when the bytes end at `end` first, at a fifth byte, and for a padded form [MQTT-1.5.5-1].
 */
export function readVarint(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let size = 0; size < 4; size++) {
    if (at + size >= end) throw malformed('the packet ends inside it');
    const byte = bytes[at + size];
    value |= (byte & 0x7f) << (7 * size);
    if (byte >= 0x80) continue;
    if (byte === 0 && size > 0) break;
    return value;
  }
  throw malformed('it has more bytes than it needs or may have [MQTT-1.5.5-1]');
}

function malformed(fault: string): MqttError {
  return malformedPacket(`Cannot read a Variable Byte Integer: ${fault}`);
}

/** Writes the integer, 0 to `VARINT_MAXIMUM`, at `at` and returns the offset behind it. The caller made room. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    bytes[next++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}
