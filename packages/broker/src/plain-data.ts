/**
 * Plain data, which a Table takes: null, booleans, numbers, texts, bytes (Uint8Array), and lists and objects of these. Every
 * adapter keeps all of it as it is, but for properties that are undefined: those are left out, which reads alike. Anything else
 * is refused before it is written.
 */

/** Lists and objects within one another at the most: so deep goes no record, and nothing that walks over one overflows. */
export const PLAIN_DEPTH_MAX = 1_000;

/** A copy as a table keeps it, which shares nothing with the value. @throws TypeError where it is no plain data */
export function copyPlain<T>(value: T): T {
  return copyOf(value, 0) as T;
}

function copyOf(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) {
    if (isPlainScalar(value)) return value;
    throw notPlain(value);
  }
  if (value instanceof Uint8Array) return new Uint8Array(value);
  assertPlainObject(value, depth);
  if (Array.isArray(value)) return value.map((item) => copyOf(item, depth + 1));
  // Also where a name is __proto__ it is one of the copy then, and written as such.
  const copy: Record<string, unknown> = { ...value };
  for (const name in copy) {
    const item = copy[name];
    if (item === undefined) delete copy[name];
    else if (typeof item === 'object') copy[name] = copyOf(item, depth + 1);
    else if (!isPlainScalar(item)) throw notPlain(item);
  }
  return copy;
}

/** Whether what is no object is plain data. */
export function isPlainScalar(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'undefined':
      return true;
    default:
      return value === null;
  }
}

/** `depth`: of the lists and objects around it. @throws TypeError where it is no list and no object without a class, or too deep */
export function assertPlainObject(value: object, depth: number): void {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) throw notPlain(value);
  if (depth >= PLAIN_DEPTH_MAX)
    throw new TypeError(
      `Cannot keep a record: its lists and objects are nested more deeply than ${PLAIN_DEPTH_MAX}; fewer levels are expected`,
    );
}

export function notPlain(value: unknown): TypeError {
  const found = typeof value === 'object' ? `an object of the class ${value?.constructor?.name}` : `a ${typeof value}`;
  return new TypeError(
    `Cannot keep a record: it holds ${found}; texts, numbers, booleans, bytes, lists and plain objects are expected`,
  );
}
