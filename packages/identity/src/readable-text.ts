/** Text of a certificate that may become a name: what a person could not see, or two programs could read differently, is none. */
import { TAG } from './der.ts';

/** Characters; RFC 5280 allows a Common Name 64. */
const CHARACTERS_MAX = 256;

/**
 * Controls, what has no shape of its own or turns the direction of writing (such as U+202E), surrogates, private use and
 * what will never be a character. A space is a character like others.
 */
const UNREADABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\uFFFD]/u;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a string element with that tag; undefined where it is empty, too long, not what its tag promises, of a kind
 * that programs read differently (TeletexString, UniversalString), or holds a character that a name must not have.
 */
export function readableText(tag: number, bytes: Buffer): string | undefined {
  const text = decode(tag, bytes);
  return text !== undefined && isReadable(text) ? text : undefined;
}

/** Whether a text may be a name: 1 to 256 characters that everybody sees, and sees alike. */
export function isReadable(text: string): boolean {
  return text !== '' && text.length <= CHARACTERS_MAX && !UNREADABLE.test(text);
}

function decode(tag: number, bytes: Buffer): string | undefined {
  switch (tag) {
    case TAG.utf8String:
      try {
        return utf8.decode(bytes);
      } catch {
        return undefined;
      }
    case TAG.printableString:
    case TAG.ia5String:
    case TAG.numericString:
      return bytes.every((byte) => byte < 0x80) ? bytes.toString('latin1') : undefined;
    case TAG.bmpString:
      return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : undefined;
    default:
      return undefined;
  }
}
