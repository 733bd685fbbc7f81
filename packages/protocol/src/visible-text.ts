/** Text of others made safe to show: for terminals, logs and errors. */

/** How much of a text `quoted` shows, in characters of JavaScript. */
const QUOTED_MAX = 100;

/**
 * Escapes what a terminal may obey or what hides the order of the text: control characters, direction marks, line
 * separators. With `lines` newlines stay, for a text of several lines.
 */
export function visible(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    lines && character === '\n' ? character : escaped(character),
  );
}

/** A name or a value in quotes, as JSON has it, visible, and cut behind `charactersMax` characters. */
export function quoted(text: string, charactersMax = QUOTED_MAX): string {
  return visible(JSON.stringify(text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text));
}

/** As in JSON, by units of UTF-16. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');
}
