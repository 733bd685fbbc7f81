/** Checks a configuration against the table of keys, wherever it comes from: every fault with its path and what is expected. */
import { quoted } from '@dunlin/protocol';
import { ConfigurationError, type PartialConfiguration } from './configuration.ts';
import { CONFIGURATION } from './configuration-table.ts';
import { VERSIONS } from './listener-table.ts';
import { mosquittoOption } from './mosquitto-options.ts';
import {
  expectation,
  type GroupShape,
  HIDDEN,
  holdsSecrets,
  type JsonShape,
  type ListShape,
  type MapShape,
  readScalar,
  type ScalarShape,
  type Shape,
  type VariantsShape,
} from './shape.ts';
import { nearestName } from './suggestion.ts';

/** A value of a file or of a program, as the check sees it. */
export interface Source {
  readonly kind: 'group' | 'list' | 'scalar' | 'empty' | 'other';
  /** The value in a problem, such as `"abc"` or `a list`. */
  readonly shown: string;
  /** Of a group, in its order. */
  readonly entries?: () => Iterable<{ readonly key: string; readonly at: Source; readonly value: Source }>;
  /** Of a list. */
  readonly items?: () => readonly Source[];
  /** Of a scalar: the text to read it from; undefined where it is of a wrong kind. */
  readonly textFor?: (shape: ScalarShape) => string | undefined;
  /** Of a scalar: what it is in JSON; undefined where it is nothing of JSON. */
  readonly plain?: () => string | number | boolean | undefined;
  /** Tells a problem of this value. */
  readonly report: (problem: string) => void;
}

const problemsMax = 100;
/** More names than these are looked up more easily than read in a problem. */
const namesShownMax = 8;

/** The problems found so far, of which there are at most 100. */
export class Problems {
  readonly #found: string[] = [];

  /** @throws ConfigurationError when this was the last one that is told */
  add(problem: string): void {
    this.#found.push(problem);
    if (this.#found.length < problemsMax) return;
    throw new ConfigurationError([...this.#found, `Stopped looking after ${problemsMax} problems`]);
  }

  get found(): readonly string[] {
    return this.#found;
  }

  /** @throws ConfigurationError with all of them, if there are any */
  throwIfAny(): void {
    if (this.#found.length > 0) throw new ConfigurationError(this.#found);
  }
}

/** Reads a whole configuration; undefined where its problems were reported. `name` is what the whole is called. */
export function readConfiguration(source: Source, name: string): PartialConfiguration | undefined {
  const values = source.kind === 'empty' ? {} : readGroup(CONFIGURATION, source, '', name);
  return values === undefined ? undefined : namedVersions(values);
}

function readShape(shape: Shape, given: Source, path: string): unknown {
  // What stands where something secret belongs may be it, in the wrong form.
  const source = given.kind === 'scalar' && holdsSecrets(shape) ? { ...given, shown: HIDDEN } : given;
  if (shape.kind === 'group') return readGroup(shape, source, path, path);
  if (shape.kind === 'list') return readList(shape, source, path);
  if (shape.kind === 'variants') return readVariants(shape, source, path);
  if (shape.kind === 'map') return readMap(shape, source, path);
  if (shape.kind === 'json') return readJson(shape, source, path);
  return readValue(shape, source, path);
}

/** The entry that says which form it is comes first, whatever the order of the file. */
function readVariants(shape: VariantsShape, source: Source, path: string): Record<string, unknown> | undefined {
  const entries = source.entries === undefined ? [] : [...source.entries()];
  const selector = entries.find(({ key }) => key === shape.key);
  const choices = Object.keys(shape.variants);
  if (selector === undefined) {
    const found = source.entries === undefined ? `${path} is ${source.shown}` : `${path}.${shape.key} is missing`;
    source.report(`${found}: one of ${choices.join(', ')} is expected`);
    return undefined;
  }
  const name = readValue(
    { kind: 'choice', choices, default: '', description: '' },
    selector.value,
    `${path}.${shape.key}`,
  );
  if (name === undefined) return undefined;
  const rest = entries.filter((entry) => entry !== selector);
  const values = readGroup(shape.variants[name as string], { ...source, entries: () => rest }, path, path);
  return values === undefined ? undefined : { [shape.key]: name, ...values };
}

function readMap(shape: MapShape, source: Source, path: string): Record<string, unknown> | undefined {
  if (source.entries === undefined) {
    source.report(`${path} is ${source.shown}: ${expectation(shape)} is expected`);
    return undefined;
  }
  // Names are free: one of them may be `__proto__`.
  const read: [string, unknown][] = [];
  for (const { key, value } of source.entries())
    read.push([key, readShape(shape.values, value, `${path}.${printable(key)}`)]);
  return Object.fromEntries(read.filter(([, value]) => value !== undefined));
}

function readGroup(shape: GroupShape, source: Source, path: string, name: string): Record<string, unknown> | undefined {
  if (source.entries === undefined) {
    source.report(`${name} is ${source.shown}: ${expectation(shape)} is expected`);
    return undefined;
  }
  const values: Record<string, unknown> = {};
  const failed = new Set<string>();
  for (const { key, at, value } of source.entries()) {
    const entry = Object.hasOwn(shape.entries, key) ? shape.entries[key] : undefined;
    const entryPath = path === '' ? key : `${path}.${key}`;
    if (entry === undefined) {
      at.report(unknownKey(key, path, shape));
      continue;
    }
    // A group whose entries are all commented out holds nothing.
    const read = entry.kind === 'group' && value.kind === 'empty' ? {} : readShape(entry, value, entryPath);
    if (read !== undefined) values[key] = read;
    else failed.add(key);
  }
  for (const key of shape.required ?? [])
    if (values[key] === undefined && !failed.has(key))
      source.report(
        `${path === '' ? key : `${path}.${key}`} is missing: ${expectation(shape.entries[key])} is expected`,
      );
  return values;
}

function readList(shape: ListShape, source: Source, path: string): unknown[] | undefined {
  if (shape.orOne && source.kind === 'scalar') {
    const one = readShape(shape.items, source, path);
    return one === undefined ? undefined : [one];
  }
  const items = source.items?.() ?? [];
  const isEnough = items.length > 0 || (shape.mayBeEmpty && source.kind === 'list');
  if (isEnough) return items.map((item, index) => readShape(shape.items, item, `${path}[${index}]`));
  const found = source.kind === 'list' ? 'empty' : source.shown;
  const least = shape.mayBeEmpty ? '' : ' with at least one entry';
  source.report(`${path} is ${found}: ${expectation(shape)}${least} is expected`);
  return undefined;
}

function readValue(shape: ScalarShape, source: Source, path: string): unknown {
  const text = source.textFor?.(shape);
  const reading = text === undefined ? undefined : readScalar(shape, text);
  if (reading !== undefined && 'value' in reading) return reading.value;
  source.report(`${path} is ${source.shown}: ${reading?.expected ?? expectation(shape)} is expected`);
  return undefined;
}

/** An empty value is null. */
function readJson(shape: JsonShape, source: Source, path: string): unknown {
  if (source.kind === 'empty') return null;
  if (source.items !== undefined)
    return source.items().map((item, index) => readJson(shape, item, `${path}[${index}]`));
  if (source.entries !== undefined)
    return Object.fromEntries(
      Array.from(source.entries(), ({ key, value }) => [key, readJson(shape, value, `${path}.${printable(key)}`)]),
    );
  const value = source.plain?.();
  if (value === undefined) source.report(`${path} is ${source.shown}: ${expectation(shape)} is expected`);
  return value;
}

/** A piece of a value that was to be in quotes, such as a hash with commas, reads as a key: it must not be shown. */
function unknownKey(key: string, path: string, shape: GroupShape): string {
  if (!/^[\w.-]*$/.test(key) && /[$=]/.test(key))
    return `${path} has an entry that is none: is it part of a text with commas, which has to be in quotes?`;
  return `${printable(path === '' ? key : `${path}.${key}`)} is unknown: ${keyHint(key, shape)}`;
}

/** What is expected in place of an unknown key: one of another group, a similar one, or the names there are. */
function keyHint(key: string, shape: GroupShape): string {
  const elsewhere = pathsOf(key, CONFIGURATION, '').sort((one, other) => one.length - other.length)[0];
  if (elsewhere !== undefined) return `did you mean ${elsewhere}?`;
  const names = Object.keys(shape.entries);
  const counterpart = nearestName(key, names) === undefined ? counterpartOf(key) : undefined;
  if (counterpart !== undefined) return counterpart;
  return hint(key, names, 'see docs/reference/configuration.md for those that are');
}

/** What becomes of an option of Mosquitto, where the key is one; names of its bridges are anybody's words. */
function counterpartOf(key: string): string | undefined {
  const option = mosquittoOption(key);
  if (option === undefined || option.scope === 'bridge') return undefined;
  const { fate } = option;
  if ('key' in fate)
    return `this option of Mosquitto is ${fate.key} here, and dunlin config import converts a whole file`;
  return 'needless' in fate
    ? `an option of Mosquitto that is not needed: ${fate.needless}`
    : `an option of Mosquitto: ${fate.instead}`;
}

/** Every path of the table that ends with the name. */
function pathsOf(name: string, shape: Shape, path: string): string[] {
  if (shape.kind === 'list') return pathsOf(name, shape.items, `${path}[]`);
  if (shape.kind === 'variants')
    return Object.values(shape.variants).flatMap((variant) => pathsOf(name, variant, path));
  if (shape.kind === 'map') return pathsOf(name, shape.values, `${path}.*`);
  if (shape.kind !== 'group') return [];
  return Object.entries(shape.entries).flatMap(([key, entry]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    return [...(key === name ? [inner] : []), ...pathsOf(name, entry, inner)];
  });
}

/** What is expected in place of an unknown name; `elsewhere` says where the names stand if there are many. */
export function hint(name: string, names: readonly string[], elsewhere: string): string {
  const nearest = nearestName(name, names);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  return names.length > namesShownMax ? elsewhere : `${names.join(', ')} are known here`;
}

/** `quoted` without the quotes. */
export function printable(text: string): string {
  return quoted(text).slice(1, -1);
}

/** Versions are read by name; the rest of the code knows their Protocol Level. */
function namedVersions(values: Record<string, unknown>): PartialConfiguration {
  const listeners = values.listeners as ({ versions?: string[] } | undefined)[] | undefined;
  if (listeners === undefined) return values;
  return {
    ...values,
    listeners: listeners.map(({ versions, ...listener } = {}) => ({
      ...listener,
      ...(versions !== undefined && { versions: versions.map((version) => VERSIONS[version]) }),
    })),
  };
}
