/** Reads the configuration file: YAML by the table of keys, every fault with its line, its path and what is expected. */
import { readFileSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { ConfigurationError, type ConfigurationInput } from './configuration.ts';
import { CONFIGURATION, VERSIONS } from './configuration-table.ts';
import { expectation, type GroupShape, type ListShape, readScalar, type ScalarShape, type Shape } from './shape.ts';
import { nearestName } from './suggestion.ts';

const fileBytesMax = 4 * 1024 * 1024;
const shownCharactersMax = 60;

/** Where problems of one file go. */
interface Reader {
  readonly report: (node: Node | null | undefined, problem: string) => void;
}

/**
 * Reads a file.
 * @throws ConfigurationError where it cannot be read or is wrong
 */
export function readConfigurationFile(path: string): ConfigurationInput {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError([`Cannot read the configuration ${JSON.stringify(path)}: ${reason}`]);
  }
  return parseConfiguration(text, path);
}

/**
 * Reads the text of a configuration; `file` is the name shown in problems. An empty text is an empty configuration.
 * @throws ConfigurationError with every problem of the text
 */
export function parseConfiguration(text: string, file: string): ConfigurationInput {
  if (text.length > fileBytesMax) throw new ConfigurationError([`${file} is too large: 4 MiB are allowed`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: false });
  const problems: string[] = [];
  const at = (offset: number, problem: string): void => {
    problems.push(`${file}:${lines.linePos(offset).line}: ${problem}`);
  };
  for (const error of document.errors) at(error.pos[0], `this is not the YAML that is expected: ${error.message}`);
  if (problems.length > 0) throw new ConfigurationError(problems);
  const { contents } = document;
  const nothing = contents === null || (isScalar(contents) && contents.value === null);
  const reader: Reader = { report: (node, problem) => at(node?.range?.[0] ?? 0, problem) };
  const values = nothing ? {} : readGroup(reader, CONFIGURATION, contents, '');
  if (problems.length > 0) throw new ConfigurationError(problems);
  return namedVersions(values ?? {});
}

function readShape(reader: Reader, shape: Shape, node: Node | null, path: string): unknown {
  if (shape.kind === 'group') return readGroup(reader, shape, node, path);
  if (shape.kind === 'list') return readList(reader, shape, node, path);
  return readValue(reader, shape, node, path);
}

function readGroup(
  reader: Reader,
  shape: GroupShape,
  node: Node | null,
  path: string,
): Record<string, unknown> | undefined {
  if (!isMap(node)) {
    reader.report(node, `${path || 'the file'} is ${shown(node)}: ${expectation(shape)} is expected`);
    return undefined;
  }
  const values: Record<string, unknown> = {};
  for (const pair of node.items as Pair<Node, Node | null>[]) {
    const key = isScalar(pair.key) ? String(pair.key.value) : shown(pair.key);
    const entry = Object.hasOwn(shape.entries, key) ? shape.entries[key] : undefined;
    const entryPath = path === '' ? key : `${path}.${key}`;
    if (entry === undefined) {
      reader.report(pair.key, `${printable(entryPath)} is unknown: ${hint(key, Object.keys(shape.entries))}`);
      continue;
    }
    const value = readShape(reader, entry, pair.value ?? pair.key, entryPath);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

function readList(reader: Reader, shape: ListShape, node: Node | null, path: string): unknown[] | undefined {
  if (isSeq(node) && node.items.length > 0)
    return node.items.map((item, index) => readShape(reader, shape.items, item as Node | null, `${path}[${index}]`));
  const found = isSeq(node) ? 'empty' : shown(node);
  reader.report(node, `${path} is ${found}: ${expectation(shape)} with at least one entry is expected`);
  return undefined;
}

function readValue(reader: Reader, shape: ScalarShape, node: Node | null, path: string): unknown {
  const reading = isScalar(node) && node.value !== null ? readScalar(shape, sourceOf(node)) : undefined;
  if (reading !== undefined && 'value' in reading) return reading.value;
  reader.report(node, `${path} is ${shown(node)}: ${reading?.expected ?? expectation(shape)} is expected`);
  return undefined;
}

/** A scalar as it was written: `5.0` stays apart from `5`. */
function sourceOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}

function shown(node: Node | null | undefined): string {
  if (isMap(node)) return 'a group';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (!isScalar(node) || node.value === null || node.source === undefined) return 'empty';
  return typeof node.value === 'string' ? quoted(node.value) : printable(node.source);
}

/** What is expected in place of an unknown key. */
export function hint(key: string, names: readonly string[]): string {
  const nearest = nearestName(key, names);
  return nearest === undefined ? `${names.join(', ')} are known here` : `did you mean ${nearest}?`;
}

/** A value in quotes for a problem: shortened, and without characters that a terminal would obey. */
export function quoted(text: string): string {
  return `"${printable(text)}"`;
}

function printable(text: string): string {
  const short = text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
  return short.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** Versions are read by name; the rest of the code knows their Protocol Level. */
function namedVersions(values: Record<string, unknown>): ConfigurationInput {
  const listeners = values.listeners as { versions?: string[] }[] | undefined;
  if (listeners === undefined) return values;
  return {
    ...values,
    listeners: listeners.map(({ versions, ...listener }) => ({
      ...listener,
      ...(versions !== undefined && { versions: versions.map((version) => VERSIONS[version]) }),
    })),
  };
}
