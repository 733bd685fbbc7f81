/** Text of others made safe for a terminal. */

/**
 * Escapes what a terminal may obey or what hides the order of the text: control characters, direction marks, line
 * separators. With `lines` newlines stay, for a text of several lines.
 */
export function visible(text: string, { lines = false }: { readonly lines?: boolean } = {}): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    lines && character === '\n' ? character : escaped(character),
  );
}

/** As in JSON, by units of UTF-16. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('');
}
