/** Reads the configuration file: YAML, whose values are checked by the table of keys, every fault with its line. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { ConfigurationError, type PartialConfiguration } from './configuration.ts';
import { Problems, printable, quoted, readConfiguration, type Source } from './configuration-reading.ts';

const fileBytesMax = 4 * 1024 * 1024;

/**
 * Reads a file. A relative `data` begins where the file lies, whatever the working directory is.
 * @throws ConfigurationError where it cannot be read or is wrong
 */
export function readConfigurationFile(path: string): PartialConfiguration {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError([`Cannot read the configuration ${JSON.stringify(path)}: ${reason}`]);
  }
  const values = parseConfiguration(text, path);
  return values.data ? { ...values, data: resolve(dirname(path), values.data) } : values;
}

/**
 * Reads the text of a configuration; `file` is the name shown in problems. An empty text is an empty configuration.
 * @throws ConfigurationError with the problems of the text, at most 100
 */
export function parseConfiguration(text: string, file: string): PartialConfiguration {
  if (text.length > fileBytesMax) throw new ConfigurationError([`${file} is too large: 4 MiB are allowed`]);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: false });
  const problems = new Problems();
  const at = (offset: number, problem: string): void =>
    problems.add(`${file}:${lines.linePos(offset).line}: ${problem}`);
  for (const error of document.errors) at(error.pos[0], `this is not the YAML that is expected: ${error.message}`);
  problems.throwIfAny();
  const report: Report = (node, problem) => at(node?.range?.[0] ?? 0, problem);
  const values = readConfiguration(sourceOf(document.contents, document.contents, report), 'the file');
  problems.throwIfAny();
  return values ?? {};
}

type Report = (node: Node | null, problem: string) => void;

/** `place` is where problems of the node are told: an absent node has no place of its own. */
function sourceOf(node: Node | null, place: Node | null, report: Report): Source {
  const base = { shown: shown(node), report: (problem: string) => report(node ?? place, problem) };
  if (isMap(node)) {
    const pairs = node.items as Pair<Node, Node | null>[];
    const entries = (): Iterable<{ key: string; at: Source; value: Source }> =>
      pairs.map(({ key, value }) => ({
        key: isScalar(key) ? String(key.value) : shown(key),
        at: sourceOf(key, key, report),
        value: sourceOf(value, key, report),
      }));
    return { ...base, kind: 'group', entries };
  }
  if (isSeq(node)) {
    const items = node.items as (Node | null)[];
    return { ...base, kind: 'list', items: () => items.map((item) => sourceOf(item, node, report)) };
  }
  if (node === null || (isScalar(node) && node.value === null)) return { ...base, kind: 'empty' };
  if (isScalar(node)) return { ...base, kind: 'scalar', textFor: () => writtenText(node) };
  return { ...base, kind: 'other' };
}

/** A scalar as it was written: `5.0` stays apart from `5`. */
function writtenText(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}

function shown(node: Node | null): string {
  if (isMap(node)) return 'a group';
  if (isSeq(node)) return 'a list';
  if (isAlias(node)) return 'an alias';
  if (!isScalar(node) || node.value === null || node.source === undefined) return 'empty';
  return typeof node.value === 'string' ? quoted(node.value) : printable(node.source);
}
