/**
 * Text in ASCII without the platform's encoders, which cost more for the few characters of most topics. Only faster: what it
 * leaves is for them, and the bundle for browsers has none of it (`REPLACED` of `tools/browser-bundle.ts`).
 */

/** Up to here characters are collected in JavaScript; a call of TextDecoder costs more than that many steps and joints. */
const SHORT_TEXT_BYTES = 24;

/** The text in bytes [start, end) if it is short and all of it printable ASCII, else undefined. */
export function readShortAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (end - start > SHORT_TEXT_BYTES) return undefined;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte < 0x20 || byte >= 0x7f) return undefined;
  }
  let text = '';
  let at = start;
  for (; at + 4 <= end; at += 4) {
    text += String.fromCharCode(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
  }
  for (; at < end; at++) text += String.fromCharCode(bytes[at]);
  return text;
}

/** Writes the text at `offset` as far as it is ASCII without U+0000; returns how many characters that are. */
export function writeAscii(bytes: Uint8Array, offset: number, text: string): number {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === 0 || unit >= 0x80) return index;
    bytes[offset + index] = unit;
  }
  return text.length;
}
