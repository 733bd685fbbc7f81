/** A value of a script with its place: every fault is told with its line, what was found and what is expected. */

import { visible } from '@dunlin/protocol';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { usageError } from '../exit-codes.ts';

const CHARACTERS_MAX = 1024 * 1024;
const PROBLEMS_MAX = 50;
const SHOWN_MAX = 60;

/** The faults of one script. */
export class Problems {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #found: { readonly line: number; readonly text: string }[] = [];

  /** `file`: the name that faults begin with. */
  constructor(file: string) {
    this.#file = file;
  }

  get lines(): LineCounter {
    return this.#lines;
  }

  /** Throws a usage error when there are too many to go on. */
  add(offset: number | undefined, problem: string): void {
    const line = offset === undefined ? 0 : this.#lines.linePos(offset).line;
    this.#found.push({ line, text: `${this.#file}${line === 0 ? '' : `:${line}`}: ${problem}` });
    if (this.#found.length >= PROBLEMS_MAX) this.throwIfAny();
  }

  /** Throws a usage error with all that was found, in the order of the script. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const lines = this.#found.toSorted((a, b) => a.line - b.line).map(({ text }) => text);
    throw usageError(`Cannot simulate: the script is wrong\n${lines.join('\n')}`);
  }
}

/** One value. */
export class ScriptNode {
  /** Such as `fleets.cameras.publish[0].every`; empty for the whole. */
  readonly path: string;
  readonly #node: Node | null;
  readonly #offset: number | undefined;
  readonly #problems: Problems;

  constructor(node: Node | null, path: string, offset: number | undefined, problems: Problems) {
    this.#node = node;
    this.path = path;
    this.#offset = node?.range?.[0] ?? offset;
    this.#problems = problems;
  }

  get kind(): 'group' | 'list' | 'scalar' | 'empty' | 'other' {
    const node = this.#node;
    if (isMap(node)) return 'group';
    if (isSeq(node)) return 'list';
    if (node === null || (isScalar(node) && node.value === null)) return 'empty';
    return isScalar(node) ? 'scalar' : 'other';
  }

  /** Of a scalar: text, number or boolean; else undefined. */
  get scalar(): string | number | boolean | undefined {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
  }

  /** A scalar as it was written, so that `5.0` stays apart from `5`. */
  get written(): string | undefined {
    const { scalar } = this;
    if (scalar === undefined || !isScalar(this.#node)) return undefined;
    return typeof scalar === 'string' ? scalar : (this.#node.source ?? String(scalar));
  }

  /** The entries of a group, in their order. */
  entries(): [key: string, node: ScriptNode][] {
    if (!isMap(this.#node)) return [];
    return (this.#node.items as Pair<Node, Node | null>[]).map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      const path = this.path === '' ? name : `${this.path}.${name}`;
      return [name, new ScriptNode(value, path, key.range?.[0], this.#problems)];
    });
  }

  /** The items of a list. */
  items(): ScriptNode[] {
    if (!isSeq(this.#node)) return [];
    const items = this.#node.items as (Node | null)[];
    return items.map((item, at) => new ScriptNode(item, `${this.path}[${at}]`, this.#offset, this.#problems));
  }

  /** Tells a fault of this value, and returns undefined in its place. */
  problem(expected: string): undefined {
    const name = this.path === '' ? 'the script' : visible(this.path);
    this.#problems.add(this.#offset, `${name} is ${this.#shown}: ${expected} is expected`);
  }

  /** Tells a fault in words of its own. */
  fault(text: string): undefined {
    this.#problems.add(this.#offset, visible(text));
  }

  get #shown(): string {
    const { kind, scalar } = this;
    if (kind === 'group') return 'a group';
    if (kind === 'list') return 'a list';
    if (kind === 'empty') return 'empty';
    if (scalar === undefined) return 'an alias or something else';
    const text = visible(this.written ?? '');
    const short = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
    return typeof scalar === 'string' ? `"${short}"` : short;
  }
}

/** Parses a script. Throws a usage error for what is no YAML. */
export function parseScript(text: string, problems: Problems): ScriptNode {
  if (text.length > CHARACTERS_MAX) {
    problems.add(undefined, `the script has ${text.length} characters: at most ${CHARACTERS_MAX} are expected`);
    problems.throwIfAny();
  }
  const settings = { lineCounter: problems.lines, prettyErrors: false, uniqueKeys: true, merge: false };
  const document = parseDocument(text, settings);
  for (const error of document.errors)
    problems.add(error.pos[0], `this is not the YAML that is expected: ${error.message}`);
  problems.throwIfAny();
  return new ScriptNode(document.contents, '', 0, problems);
}
