/** Payloads of a script: text with places, a generator, or JSON made of these. */

import { filled } from '../text-template.ts';
import { type GeneratorSpec, isGenerator, readGenerator } from './generators.ts';
import type { ScriptNode } from './script-node.ts';
import { type Read, templateOf } from './script-values.ts';

/** Deeper ones are no payload. */
const DEPTH_MAX = 20;

/** Reads a value: scalars are themselves, texts have their places filled in, groups and lists are JSON of such. */
export function valueRead(names: ReadonlySet<string>, depth = 0): Read<GeneratorSpec> {
  return (node) => {
    if (depth > DEPTH_MAX) return node.fault(`${node.path} is deeper than ${DEPTH_MAX} levels`);
    const inner = valueRead(names, depth + 1);
    if (isGenerator(node)) return readGenerator(node, inner);
    if (node.kind === 'group') return jsonObject(node, inner);
    if (node.kind === 'list') return jsonList(node, inner);
    if (node.kind === 'empty') return () => () => null;
    const { scalar } = node;
    if (scalar === undefined) return node.problem('a value');
    if (typeof scalar !== 'string') return () => () => scalar;
    const template = templateOf(names)(node);
    return template === undefined ? undefined : () => (moment) => filled(template, moment.variables);
  };
}

/** The bytes on the wire: a text as it is, everything else as JSON. */
export function payloadText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function jsonObject(node: ScriptNode, inner: Read<GeneratorSpec>): GeneratorSpec | undefined {
  const entries = node.entries().map(([name, value]): [string, GeneratorSpec | undefined] => {
    if (name.startsWith('$')) value.fault(`${value.path} is a generator beside others: a group of its own is expected`);
    return [name, inner(value)];
  });
  if (!entries.every((entry): entry is [string, GeneratorSpec] => entry[1] !== undefined)) return undefined;
  return (random) => {
    const generators = entries.map(([name, spec]) => [name, spec(random.fork(name))] as const);
    return (moment) => Object.fromEntries(generators.map(([name, generator]) => [name, generator(moment)]));
  };
}

function jsonList(node: ScriptNode, inner: Read<GeneratorSpec>): GeneratorSpec | undefined {
  const specs = node.items().map(inner);
  if (!specs.every((spec): spec is GeneratorSpec => spec !== undefined)) return undefined;
  return (random) => {
    const generators = specs.map((spec, at) => spec(random.fork(String(at))));
    return (moment) => generators.map((generator) => generator(moment));
  };
}
