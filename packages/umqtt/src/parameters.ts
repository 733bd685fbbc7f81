/**
 * The arguments of calls: optional ones may come in their order, as in Python, or in a last object by their names.
 *
 * What is left out, and `undefined` or `null` (Python's None), is the default. Everything else has to be of its kind:
 * a TypeError says which one was expected, a RangeError which numbers.
 */

/** What an argument may be. */
export interface Kind<Value> {
  /** In words. */
  readonly expected: string;
  /** The value as the client takes it; undefined where it is of another type. Throws a RangeError for one out of range. */
  readonly read: (value: unknown, attempt: string, name: string) => Value | undefined;
}

/** A kind, and the value that stands for nothing. */
export interface Optional<Value> {
  readonly kind: Kind<Value>;
  readonly byDefault: Value;
}

/** The optional parameters of a call, in their order. */
type Optionals = Readonly<Record<string, Optional<unknown>>>;
/** What they are read as. */
export type ValuesOf<Parameters extends Optionals> = {
  readonly [Name in keyof Parameters]: Parameters[Name] extends Optional<infer Value> ? Value : never;
};

/** The optional arguments as they may be written: in their order, or some of them and the named object. */
export type Given<Positional extends readonly unknown[], Named> = Nullable<Positional> | Mixed<Positional, Named>;
type Nullable<Values extends readonly unknown[]> = { [Place in keyof Values]?: Values[Place] | null | undefined };
type Mixed<Positional extends readonly unknown[], Named> = Positional extends readonly [infer First, ...infer Rest]
  ? [named: Named] | [First | null | undefined, ...Mixed<Rest, Named>]
  : [named: Named];

/** Reads a required argument. */
export function required<Value>(attempt: string, name: string, kind: Kind<Value>, value: unknown): Value {
  const read = kind.read(value, attempt, name);
  if (read !== undefined) return read;
  throw new TypeError(`${attempt}: ${name} is ${shown(value)}, ${kind.expected} is expected`);
}

/** Reads the optional arguments of a call. */
export function optional<Parameters extends Optionals>(
  attempt: string,
  parameters: Parameters,
  given: readonly unknown[],
): ValuesOf<Parameters> {
  const names = Object.keys(parameters);
  const last = given.at(-1);
  const named = isNamed(last, given.length - 1, names) ? last : undefined;
  const positional = named === undefined ? given : given.slice(0, -1);
  if (positional.length > names.length) {
    throw new TypeError(`${attempt}: ${names.join(', ')} are expected behind the required arguments, and no more`);
  }
  for (const name of Object.keys(named ?? {})) {
    const place = names.indexOf(name);
    if (place === -1) throw new TypeError(`${attempt}: there is no "${name}", one of ${names.join(', ')} is expected`);
    if (place < positional.length) throw new TypeError(`${attempt}: ${name} is given twice, once is expected`);
  }
  const values = names.map((name, place) => {
    const { kind, byDefault } = parameters[name];
    const value = place < positional.length ? positional[place] : named?.[name];
    return [name, value === undefined || value === null ? byDefault : required(attempt, name, kind, value)];
  });
  return Object.fromEntries(values);
}

/** `ssl_params` is an object too: in its place one with none of the names of parameters is it. */
function isNamed(value: unknown, place: number, names: readonly string[]): value is Record<string, unknown> {
  if (!isPlain(value)) return false;
  return names[place] !== 'ssl_params' || Object.keys(value).some((name) => names.includes(name));
}

/** An object that was written with braces: no bytes, no list, no instance of a class. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What was given, in words that hold no value: it may be a password. */
function shown(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  const name = typeof value === 'object' ? value.constructor?.name || 'Object' : typeof value;
  return `of type ${name}`;
}
