/** JSON whose numbers keep the digits they came in. */

/** What Node 24 can do and the library types do not say yet: the source text of numbers, and writing it back. */
const native = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** The value of a JSON text, to be written by `JSON.stringify` with every number as it was. Throws a SyntaxError. */
export function exactJson(text: string): unknown {
  return native.parse(text, (_key, value, { source }) => (typeof value === 'number' ? native.rawJSON(source) : value));
}

/** The same text in several lines, indented by two blanks; undefined where it is no JSON. */
export function indentedJson(text: string): string | undefined {
  try {
    return JSON.stringify(exactJson(text), undefined, 2);
  } catch {
    return undefined;
  }
}
