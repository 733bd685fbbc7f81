/** Text of others made safe to show: for terminals, logs and errors. */

/** How much of a text `quoted` shows, in characters of JavaScript. */
const QUOTED_MAX = 100;

/**
 * Escapes what a terminal may obey or what hides the order of the text: control characters, direction marks, line
 * separators. With `lines` newlines stay, for a text of several lines.
 */
export function visible(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return lines ? text.split('\n').map(escaped).join('\n') : escaped(text);
}

/** A name or a value in quotes, as JSON has it, visible, and cut behind `charactersMax` characters. */
export function quoted(text: string, charactersMax = QUOTED_MAX): string {
  return escaped(JSON.stringify(text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text));
}

/** A number in so many hexadecimal digits or more. */
export function hexDigits(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** As in JSON, by units of UTF-16. */
function escaped(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (hidden) =>
    hidden
      .split('')
      .map((unit) => `\\u${hexDigits(unit.charCodeAt(0), 4)}`)
      .join(''),
  );
}
