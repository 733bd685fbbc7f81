/** What a credential says of its owner, a token or the answer of a service: name, groups and attributes, within limits. */

const NAME_CHARACTERS_MAX = 1024;
const GROUPS_MAX = 64;
const GROUP_CHARACTERS_MAX = 256;
const ATTRIBUTES_MAX = 32;
const ATTRIBUTE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
const ATTRIBUTE_CHARACTERS_MAX = 1024;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** A user name: a text of 1 to 1024 characters without control characters. Throws an `Error` that quotes nothing. */
export function readUsername(value: unknown): string {
  if (isText(value, NAME_CHARACTERS_MAX)) return value;
  throw new Error(`Cannot use the user name: a text of 1 to ${NAME_CHARACTERS_MAX} characters is expected`);
}

/** Up to 64 groups: a list of texts, or one text for one group. Throws an `Error` that quotes nothing. */
export function readGroups(value: unknown): readonly string[] {
  const groups: unknown[] = Array.isArray(value) ? value : [value];
  if (groups.length <= GROUPS_MAX && groups.every((group) => isText(group, GROUP_CHARACTERS_MAX))) return groups;
  throw new Error(
    `Cannot use the groups: up to ${GROUPS_MAX} texts of 1 to ${GROUP_CHARACTERS_MAX} characters are expected`,
  );
}

/**
 * Up to 32 attributes. Names are letters, digits, `_`, `.` and `-` after a letter, at most 64 characters; values are
 * texts, numbers and truth values, of which the text is taken. Throws an `Error` that quotes no value.
 */
export function readAttributes(value: unknown): Readonly<Record<string, string>> {
  const fail = (expected: string) => new Error(`Cannot use the attributes: ${expected}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('an object is expected');
  const entries = Object.entries(value);
  if (entries.length > ATTRIBUTES_MAX) throw fail(`up to ${ATTRIBUTES_MAX} of them are expected`);
  return Object.fromEntries(
    entries.map(([name, given]): [string, string] => {
      if (!ATTRIBUTE_NAME.test(name)) throw fail('names of up to 64 letters, digits, "_", "." and "-" are expected');
      const text = typeof given === 'number' || typeof given === 'boolean' ? String(given) : given;
      if (isText(text, ATTRIBUTE_CHARACTERS_MAX)) return [name, text];
      throw fail(`a text of 1 to ${ATTRIBUTE_CHARACTERS_MAX} characters is expected as "${name}"`);
    }),
  );
}

function isText(value: unknown, charactersMax: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= charactersMax && !CONTROL.test(value);
}
