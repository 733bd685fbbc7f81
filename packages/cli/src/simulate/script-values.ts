/** Reads values of a script by their kind; what is wrong is told, and undefined stands in its place. */

import { placesOf } from '../text-template.ts';
import type { ScriptNode } from './script-node.ts';

/** Reads one value. */
export type Read<Value> = (node: ScriptNode) => Value | undefined;

/** The entries of a group whose names are known. */
export class Group {
  readonly #node: ScriptNode;
  readonly #entries: Map<string, ScriptNode>;

  /** Tells of what is no group, and of names that are none of `names`. */
  constructor(node: ScriptNode, names: readonly string[]) {
    this.#node = node;
    this.#entries = new Map(node.entries());
    if (node.kind !== 'group') node.problem(`a group of ${names.join(', ')}`);
    for (const [name, entry] of this.#entries) {
      if (!names.includes(name)) entry.fault(`${entry.path} is unknown: ${names.join(', ')} are known here`);
    }
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The value, undefined where it is not there or wrong. */
  get<Value>(name: string, read: Read<Value>): Value | undefined {
    const entry = this.#entries.get(name);
    return entry === undefined ? undefined : read(entry);
  }

  /** The same, and tells where it is not there. */
  need<Value>(name: string, read: Read<Value>, expected: string): Value | undefined {
    if (!this.has(name) && this.#node.kind === 'group') {
      this.#node.fault(
        `${this.#node.path === '' ? name : `${this.#node.path}.${name}`} is missing: ${expected} is expected`,
      );
    }
    return this.get(name, read);
  }
}

/** A number from `minimum` to `maximum`. */
export function numberIn(minimum: number, maximum: number): Read<number> {
  return (node) => {
    const { scalar } = node;
    const isRight = typeof scalar === 'number' && scalar >= minimum && scalar <= maximum;
    return isRight ? scalar : node.problem(`a number from ${minimum} to ${maximum}`);
  };
}

/** The same without a fraction. */
export function wholeIn(minimum: number, maximum: number): Read<number> {
  return (node) => {
    const { scalar } = node;
    const isRight = Number.isSafeInteger(scalar) && Number(scalar) >= minimum && Number(scalar) <= maximum;
    return isRight ? Number(scalar) : node.problem(`a whole number from ${minimum} to ${maximum}`);
  };
}

/** True or false. */
export const flag: Read<boolean> = (node) =>
  typeof node.scalar === 'boolean' ? node.scalar : node.problem('true or false');

/** One of the names. */
export function choiceOf<Name extends string>(names: readonly Name[]): Read<Name> {
  return (node) => names.find((name) => name === node.written) ?? node.problem(`one of ${names.join(', ')}`);
}

/** A text, numbers too, whose places are all among `names`. */
export function templateOf(names: ReadonlySet<string>): Read<string> {
  return (node) => {
    const text = node.written;
    if (text === undefined) return node.problem('a text');
    const unknown = placesOf(text).find((name) => !names.has(name));
    if (unknown === undefined) return text;
    return node.fault(`${node.path} has {${unknown}}, which is unknown: ${[...names].join(', ')} are known here`);
  };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time such as `500ms`, `10s`, `5min`, `1.5h` or `1d`, as milliseconds. */
export function timeIn(minimumMs: number, maximumMs: number): Read<number> {
  return (node) => {
    const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)$/.exec(node.written ?? '') ?? [];
    const ms = Number(number) * UNIT_MS[unit];
    if (ms >= minimumMs && ms <= maximumMs) return ms;
    return node.problem(`a time from ${shownMs(minimumMs)} to ${shownMs(maximumMs)}, such as 10s`);
  };
}

function shownMs(ms: number): string {
  const [unit] = Object.keys(UNIT_MS)
    .filter((name) => ms >= UNIT_MS[name] && ms % UNIT_MS[name] === 0)
    .slice(-1);
  return unit === undefined ? `${ms}ms` : `${ms / UNIT_MS[unit]}${unit}`;
}

/** A list; the items that are wrong are left out. */
export function listOf<Value>(read: Read<Value>): Read<Value[]> {
  return (node) => {
    if (node.kind !== 'list') return node.problem('a list');
    return node.items().flatMap((item) => {
      const value = read(item);
      return value === undefined ? [] : [value];
    });
  };
}
