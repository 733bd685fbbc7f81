/** Which texts of a client may stand in a Topic Filter of a rule. Nothing is escaped: Topic Filters know no escape. */

/**
 * Whether a text is one plain level, or a part of one: false for an empty text and one with `+`, `#`, `/`, a control character
 * or half a surrogate pair. `$SYS` is one; whoever puts it at the front of a filter looks for that as well.
 */
export function isWithinLevel(value: string): boolean {
  return value !== '' && value.isWellFormed() && !/[+#/\p{Cc}]/u.test(value);
}

/**
 * Whether a user name, Client Identifier, Common Name or attribute may be put wherever a rule says `{username}` or `%u`: it
 * stays within its level and does not begin with `$`, since a client called `$SYS` or `$share` would turn `{username}/#`
 * into something else.
 */
export function isPasteable(value: string): boolean {
  return !value.startsWith('$') && isWithinLevel(value);
}
