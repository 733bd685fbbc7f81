/** Bytes as Python programs know them: with `decode()`. */

/** What the callback gets: a `Uint8Array` that can be read as text. */
export class Bytes extends Uint8Array<ArrayBuffer> {
  /**
   * The text that the bytes are; `encoding` is a label of the Encoding Standard.
   *
   * Throws a TypeError for bytes that are no such text, as Python throws UnicodeDecodeError, and a RangeError for an
   * encoding that is not known. `new TextDecoder().decode(bytes)` puts U+FFFD there instead.
   */
  decode(encoding = 'utf-8'): string {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(this);
  }
}

/** The UTF-8 of a text. */
export function encoded(text: string): Bytes {
  return decodable(new TextEncoder().encode(text));
}

/** The same bytes, with `decode()`; nothing is copied. */
export function decodable(bytes: Uint8Array): Bytes {
  return new Bytes(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
}
