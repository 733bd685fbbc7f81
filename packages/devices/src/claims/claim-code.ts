/** The code that a device shows and its owner types: short, and made of characters that nobody takes for one another. */
import { randomInt } from 'node:crypto';

/** Without 0 O, 1 I L, 2 Z, 5 S, 6 (a G), 8 (a B) and U (a V). */
export const CODE_ALPHABET = 'ABCDEFGHJKMNPQRTVWXY3479';
export const CODE_CHARACTERS = 6;

const FORM = new RegExp(`^[${CODE_ALPHABET}]{${CODE_CHARACTERS}}$`);

/** One of 24^6, which are 191,102,976. */
export function newCode(): string {
  return Array.from({ length: CODE_CHARACTERS }, () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)]).join('');
}

/** What somebody typed as the code that it is, small letters, spaces and hyphens allowed; undefined where it is none. */
export function readCode(typed: string): string | undefined {
  if (typed.length > 4 * CODE_CHARACTERS) return undefined;
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase();
  return FORM.test(code) ? code : undefined;
}
