/** Reads the configuration file: YAML, whose values are checked by the table of keys, every fault with its line. */

import { dirname, resolve } from 'node:path';
import { quoted } from '@dunlin/protocol';
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import { ConfigurationError, type PartialConfiguration } from './configuration.ts';
import { Problems, printable, readConfiguration, type Source } from './configuration-reading.ts';
import { readConfiguredFile } from './configured-file.ts';
import { type Environment, expandVariables } from './environment-variables.ts';
import { looksLikeMosquitto } from './mosquitto-file.ts';
import type { ScalarShape } from './shape.ts';
import { readYaml } from './yaml-text.ts';

const charactersMax = 4 * 1024 * 1024;

/** What the values of a file may refer to. */
export interface FileContext {
  /** Relative paths start here; undefined leaves them as they are. */
  readonly directory?: string;
  /** What `${NAME}` stands for. Default: nothing is set. */
  readonly environment?: Environment;
}

/**
 * Reads a file. Relative paths in it begin where the file lies, whatever the working directory is; `${NAME}` is a
 * variable of this process's environment.
 * @throws ConfigurationError where it cannot be read or is wrong
 */
export function readConfigurationFile(path: string): PartialConfiguration {
  return parseConfiguration(readText(path), path, contextOf(path));
}

/** What a file says as far as it is right, and what is wrong with the rest. */
export interface SurveyedFile {
  /** Entries of lists that are wrong are undefined or lack what is wrong in them. */
  readonly values: PartialConfiguration;
  readonly problems: readonly string[];
}

/** As `readConfigurationFile`. @throws ConfigurationError where it cannot be read, is no YAML, or has 100 problems */
export function surveyConfigurationFile(path: string): SurveyedFile {
  return survey(readText(path), path, contextOf(path));
}

/** Where a server with this file has its data. */
export type DataPlace = Pick<PartialConfiguration, 'data' | 'durability'>;

/**
 * Reads these alone, whatever else is wrong with the file: the server that runs is found by it all the same, and tells
 * what is wrong.
 * @throws ConfigurationError where it cannot be read, or does not say
 */
export function readDataPlace(path: string): DataPlace {
  const text = readText(path);
  const { document, faults, lineOf } = readYaml(text);
  const problems = new Problems();
  const report: Reading['report'] = (node, problem) => problems.add(`${path}:${lineOf(node)}: ${problem}`);
  const source = sourceOf(document.contents, document.contents, { ...contextOf(path), report });
  const entries = [...(source.entries?.() ?? [])].filter(({ key }) => key === 'data' || key === 'durability');
  const keys = entries.map(({ key }) => key);
  const isGroup = source.kind === 'group' || source.kind === 'empty';
  // Of a file that is half there the line may have been in the other half.
  if (!isGroup || (faults.length > 0 && (!keys.includes('data') || new Set(keys).size < keys.length)))
    parseConfiguration(text, path, contextOf(path));
  const place = readConfiguration({ ...source, kind: 'group', entries: () => entries }, 'the file');
  problems.throwIfAny();
  return place ?? {};
}

function readText(path: string): string {
  return readConfiguredFile(path, 'the configuration').toString('utf8');
}

function contextOf(path: string): FileContext {
  return { directory: dirname(resolve(path)), environment: process.env };
}

/**
 * Reads the text of a configuration; `file` is the name shown in problems. An empty text is an empty configuration.
 * @throws ConfigurationError with the problems of the text, at most 100
 */
export function parseConfiguration(text: string, file: string, context: FileContext = {}): PartialConfiguration {
  const { values, problems } = survey(text, file, context);
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values;
}

function survey(text: string, file: string, context: FileContext): SurveyedFile {
  if (text.length > charactersMax)
    throw new ConfigurationError([
      `Cannot read ${file}: it has ${text.length} characters, at most ${charactersMax} are expected`,
    ]);
  const { document, faults, lineOf } = readYaml(text);
  if ((document.errors.length > 0 || !isMap(document.contents)) && looksLikeMosquitto(text))
    throw new ConfigurationError([
      `${file}: This looks like a mosquitto.conf: dunlin config import ${file} -o dunlin.yaml converts it`,
    ]);
  const problems = new Problems();
  for (const { line, problem } of faults) problems.add(`${file}:${line}: ${problem}`);
  problems.throwIfAny();
  const report: Reading['report'] = (node, problem) => problems.add(`${file}:${lineOf(node)}: ${problem}`);
  const values = readConfiguration(sourceOf(document.contents, document.contents, { ...context, report }), 'the file');
  return { values: values ?? {}, problems: problems.found };
}

/**
 * The lines of a text that was read without problems, by the path of a key such as `listeners[0].tls.key`: where it stands,
 * or the nearest one above it that does.
 */
export function linesOfKeys(text: string): (path: string) => number {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  return (path) => {
    let node: unknown = document.contents;
    let offset = 0;
    for (const [, name, index] of path.matchAll(/([A-Za-z]\w*)|\[(\d+)\]/g)) {
      const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === name) : undefined;
      const found = name === undefined && isSeq(node) ? node.items[Number(index)] : pair?.key;
      if (!isNode(found) || found.range == null) break;
      offset = found.range[0];
      node = pair === undefined ? found : pair.value;
    }
    return lines.linePos(offset).line;
  };
}

interface Reading extends FileContext {
  readonly report: (node: Node | null, problem: string) => void;
}

/** `place` is where problems of the node are told: an absent node has no place of its own. */
function sourceOf(node: Node | null, place: Node | null, reading: Reading): Source {
  const base = { shown: shown(node, reading), report: (problem: string) => reading.report(node ?? place, problem) };
  if (isMap(node)) {
    const pairs = node.items as Pair<Node, Node | null>[];
    const entries = (): Iterable<{ key: string; at: Source; value: Source }> =>
      pairs.map(({ key, value }) => ({
        key: isScalar(key) ? String(key.value) : shown(key, reading),
        at: sourceOf(key, key, reading),
        value: sourceOf(value, key, reading),
      }));
    return { ...base, kind: 'group', entries };
  }
  if (isSeq(node)) {
    const items = node.items as (Node | null)[];
    return { ...base, kind: 'list', items: () => items.map((item) => sourceOf(item, node, reading)) };
  }
  if (node === null || (isScalar(node) && node.value === null)) return { ...base, kind: 'empty' };
  if (isScalar(node))
    return {
      ...base,
      kind: 'scalar',
      textFor: (shape) => textFor(shape, node, reading),
      plain: () => plain(node, reading),
    };
  return { ...base, kind: 'other' };
}

function textFor(shape: ScalarShape, scalar: Scalar, { environment = {}, directory }: Reading): string | undefined {
  const expansion = expandVariables(writtenText(scalar), environment);
  if ('missing' in expansion) return undefined;
  const { text } = expansion;
  const isPath = shape.kind === 'text' && shape.isPath && text !== '';
  return isPath && directory !== undefined ? resolve(directory, text) : text;
}

/** Undefined for a variable that is not set, and for what JSON has no word for, such as `.inf`. */
function plain({ value }: Scalar, { environment = {} }: Reading): string | number | boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const expansion = expandVariables(value, environment);
  return 'missing' in expansion ? undefined : expansion.text;
}

/** A scalar as it was written: `5.0` stays apart from `5`. */
function writtenText(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}

function shown(node: Node | null, { environment = {} }: Reading): string {
  if (isMap(node)) return 'a group';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (!isScalar(node) || node.value === null || node.source === undefined) return 'empty';
  if (typeof node.value !== 'string') return printable(node.source);
  const expansion = expandVariables(node.value, environment);
  const missing = 'missing' in expansion ? ` and the environment variable ${expansion.missing} is not set` : '';
  return `${quoted(node.value)}${missing}`;
}
