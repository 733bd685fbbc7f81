/** Which texts of a client may stand in a Topic Filter of a rule: one that a rule pastes must stay one plain level. */

/**
 * Whether a user name, Client Identifier, Common Name or attribute may be put where a rule says `{username}` or `%u`.
 *
 * False for an empty text, one with `+`, `#`, `/`, a control character or half a surrogate pair, and one that begins
 * with `$`: a client called `$SYS` or `$share` would otherwise turn `{username}/#` into something else. Whoever pastes
 * refuses what is not pasteable; nothing is escaped, since Topic Filters know no escape.
 */
export function isPasteable(value: string): boolean {
  return (
    value !== '' && !value.startsWith('$') && !/[+#/\u0000-\u001f\u007f-\u009f]/.test(value) && value.isWellFormed()
  );
}
