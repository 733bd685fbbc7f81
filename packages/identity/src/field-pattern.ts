/**
 * Patterns of the fields of a Client Identifier: a class of characters and how many, a UUID, or a list of known values.
 * There are no regular expressions of the user's own, so that no Client Identifier can make matching take long.
 */

/** What a field may look like. */
export interface FieldPattern {
  /** The positions at which the field may end where it begins at `start`, none where nothing fits there. */
  endsIn(text: string, start: number): readonly number[];
}

/** Characters of a field at the most, where its pattern says nothing less. */
export const FIELD_CHARACTERS_MAX = 256;

const UUID = /[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}/y;
const UUID_CHARACTERS = 36;
/** Named classes: single characters, so that each is asked of one character only. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  digits: /[0-9]/,
  hex: /[0-9a-fA-F]/,
  letters: /[A-Za-z]/,
  word: /[A-Za-z0-9_]/,
  'no-dash': /[^-]/,
  any: /[\s\S]/,
};
const SHAPE = /^(?<name>[a-z-]+|\[(?<members>[^\]\\^]+)\])(?<count>\+|\{(?<min>\d{1,3})(?:,(?<max>\d{1,3}))?\})?$/;

/**
 * Reads a pattern: `uuid`; a class (`digits`, `hex`, `letters`, `word`, `no-dash`, `any`, or such as `[A-Za-z0-9_-]`)
 * with `+`, `{n}`, `{n,m}` or nothing behind it, which is 1 to 256 characters; or a list of values, which may be a text
 * with `|` between them. Throws an `Error` that says what is expected.
 */
export function parseFieldPattern(pattern: string | readonly string[]): FieldPattern {
  const values = valuesOf(pattern);
  if (values !== undefined) return oneOf(values);
  if (pattern === 'uuid') return { endsIn: uuidEnd };
  const text = pattern as string;
  const shape = SHAPE.exec(text)?.groups;
  if (shape === undefined) throw unreadable(text);
  const { name, members, count, min = '1', max } = shape;
  const isMember = members === undefined ? namedClass(name, text) : ownClass(members, text);
  const least = Number(min);
  const isExact = count?.startsWith('{') === true && max === undefined;
  const most = isExact ? least : Number(max ?? FIELD_CHARACTERS_MAX);
  if (least < 1 || most < least || most > FIELD_CHARACTERS_MAX)
    throw new Error(
      `Cannot read the pattern "${text}": a length of 1 to ${FIELD_CHARACTERS_MAX} characters is expected`,
    );
  return run(isMember, least, most);
}

/**
 * Whether a field may hold the character (undefined: whatever stands behind it) and be of one length or another: where the
 * character stands behind it, nobody can tell then where it ends. The pattern is one that `parseFieldPattern` reads.
 */
export function mayRunOver(pattern: string | readonly string[], character: string | undefined): boolean {
  const values = valuesOf(pattern);
  if (values !== undefined)
    return (
      values.some(({ length }) => length !== values[0].length) &&
      (character === undefined || values.some((value) => value.includes(character)))
    );
  if (pattern === 'uuid' || /\{(\d+)(,\1)?\}$/.test(pattern as string)) return false;
  return (
    character === undefined || parseFieldPattern(pattern).endsIn(character.repeat(FIELD_CHARACTERS_MAX), 0).length > 0
  );
}

/** Undefined where it is no list. */
function valuesOf(pattern: string | readonly string[]): readonly string[] | undefined {
  if (typeof pattern !== 'string') return pattern;
  return pattern.includes('|') && !pattern.startsWith('[') ? pattern.split('|') : undefined;
}

/** The pattern of one value that is known. */
export function knownValue(value: string): FieldPattern {
  return { endsIn: (text, start) => (text.startsWith(value, start) ? [start + value.length] : []) };
}

function oneOf(values: readonly string[]): FieldPattern {
  if (values.length === 0 || values.includes(''))
    throw new Error('Cannot read a list of known values: one value or more is expected, none of them empty');
  const known = [...new Set(values)].map(knownValue);
  return { endsIn: (text, start) => known.flatMap((value) => value.endsIn(text, start)) };
}

function uuidEnd(text: string, start: number): readonly number[] {
  UUID.lastIndex = start;
  return UUID.test(text) ? [start + UUID_CHARACTERS] : [];
}

function run(isMember: (character: string) => boolean, least: number, most: number): FieldPattern {
  return {
    endsIn: (text, start) => {
      const ends: number[] = [];
      for (let at = start; at < text.length && at - start < most && isMember(text[at]); at++)
        if (at + 1 - start >= least) ends.push(at + 1);
      return ends;
    },
  };
}

function namedClass(name: string, pattern: string): (character: string) => boolean {
  if (!Object.hasOwn(CLASSES, name)) throw unreadable(pattern);
  const expression = CLASSES[name];
  return (character) => expression.test(character);
}

/** `A-Za-z0-9_-`: ranges and single characters; a dash at an end is itself. */
function ownClass(members: string, pattern: string): (character: string) => boolean {
  const characters = new Set<string>();
  for (let at = 0; at < members.length; at++) {
    const isRange = members[at + 1] === '-' && at + 2 < members.length;
    const [from, to] = [members.charCodeAt(at), members.charCodeAt(isRange ? at + 2 : at)];
    if (from > 0x7e || to > 0x7e || to < from) throw unreadable(pattern);
    for (let code = from; code <= to; code++) characters.add(String.fromCharCode(code));
    if (isRange) at += 2;
  }
  return (character) => characters.has(character);
}

function unreadable(pattern: string): Error {
  const names = Object.keys(CLASSES).join(', ');
  return new Error(
    `Cannot read the pattern "${pattern}": uuid, a class (${names}, or such as [A-Za-z0-9]) with +, {n} or {n,m} ` +
      'behind it, or a list of values is expected',
  );
}
