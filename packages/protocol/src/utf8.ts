/** UTF-8 text of MQTT packets: strict reading, counting, writing (section 1.5.4). */

import { malformedPacket } from './errors.ts';
import { readShortAscii, writeAscii } from './short-text.ts';

/** How text from a peer is judged. */
export interface TextRules {
  /**
   * Also refuse the control characters U+0001 to U+001F and U+007F to U+009F and the non-characters, as a receiver
   * may (section 1.5.4). True when absent. Bad UTF-8 and U+0000 are refused always.
   */
  strictText?: boolean;
}

/** The most bytes a text field holds. */
export const TEXT_BYTES_MAXIMUM = 65_535;

/** `ignoreBOM` keeps a leading U+FEFF [MQTT-1.5.4-3]. */
const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Shared, as it has no state. Its type is written out: the name of the platform's is not the same in Node and browsers. */
export const encoder: {
  encode(text: string): Uint8Array;
  encodeInto(text: string, bytes: Uint8Array): { written: number };
} = /* @__PURE__ */ new TextEncoder();

/** A further judgement of the text in bytes [start, end), such as `checkUtf8`, which throws where it refuses it. */
export type TextCheck = (bytes: Uint8Array, start: number, end: number) => void;

/**
 * The string in bytes [start, end).
 *
 * Throws 'malformed-packet' for anything but well-formed UTF-8 [MQTT-1.5.4-1] and for U+0000 [MQTT-1.5.4-2]; `checkUtf8`
 * refuses more. U+FEFF is kept wherever it stands [MQTT-1.5.4-3].
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string {
  const short = readShortAscii(bytes, start, end);
  if (short !== undefined) return short;
  let text: string;
  try {
    text = decoder.decode(bytes.subarray(start, end));
  } catch {
    throw malformedPacket('Cannot read text: it is not UTF-8 [MQTT-1.5.4-1]');
  }
  const why = wrongWithUtf8(text);
  if (why !== undefined) throw malformedPacket(`Cannot read text: ${why}`);
  return text;
}

/** How many bytes `writeUtf8` writes for the text; of no meaning where it holds a lone surrogate. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair has two of its four bytes.
    if (unit >= 0x80) length += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return length;
}

/**
 * Writes the text at `offset`, without a length in front, and returns the offset behind it.
 *
 * The caller made room for `utf8Length(text)` bytes. Throws 'malformed-packet' for a lone surrogate [MQTT-1.5.4-1] and
 * U+0000 [MQTT-1.5.4-2].
 */
export function writeUtf8(bytes: Uint8Array, offset: number, text: string): number {
  const written = writeAscii(bytes, offset, text);
  return written === text.length ? offset + written : writeRest(bytes, offset + written, text.slice(written));
}

/** Why a text is no UTF-8 String. */
export function wrongWithUtf8(text: string): string | undefined {
  if (text.includes('\0')) return 'it holds U+0000 [MQTT-1.5.4-2]';
  return text.isWellFormed() ? undefined : 'it holds a lone surrogate [MQTT-1.5.4-1]';
}

/** What a loop over characters would do slower. */
function writeRest(bytes: Uint8Array, at: number, text: string): number {
  const why = wrongWithUtf8(text);
  if (why !== undefined) throw malformedPacket(`Cannot write text: ${why}`);
  return at + encoder.encodeInto(text, bytes.subarray(at)).written;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
