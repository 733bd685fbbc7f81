/** The generators of values that a script may use: `{$walk: {from: 15, to: 30, step: 0.5}}` and the like. */

import { placesOf } from '../text-template.ts';
import type { RandomSource } from './random-source.ts';
import type { ScriptNode } from './script-node.ts';
import { choiceOf, Group, listOf, numberIn, type Read, timeIn, wholeIn } from './script-values.ts';

/** What a value may depend on. */
export interface Moment {
  /** Simulated time, milliseconds since 1970. */
  readonly wallClockMs: number;
  /** What places in texts stand for. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** The JSON of the message that is answered; undefined where it is none. */
  readonly request?: unknown;
}

/** Gives the next value, as JSON has them. */
export type Generator = (moment: Moment) => unknown;

/** A generator as the script says it; each device gets one of its own, by its own chance. */
export type GeneratorSpec = (random: RandomSource) => Generator;

const NUMBER = 1e15;
const anyNumber = numberIn(-NUMBER, NUMBER);
const DAY_MS = 86_400_000;
const DECIMALS_MAX = 10;

/** Every generator by its name; `value` reads values inside it. */
const GENERATORS: Readonly<
  Record<string, (node: ScriptNode, value: Read<GeneratorSpec>) => GeneratorSpec | undefined>
> = {
  $constant: (node, value) => value(node),
  $counter: counter,
  $walk: walk,
  $uniform: uniform,
  $normal: normal,
  $sine: sine,
  $enum: oneOf,
  $uuid: (node) => (isBare(node) ? (random) => () => random.uuid() : undefined),
  $timestamp: timestamp,
  $request: request,
};

/** Reads a generator, from a group with its name as the only entry; undefined where the node is none or wrong. */
export function readGenerator(node: ScriptNode, value: Read<GeneratorSpec>): GeneratorSpec | undefined {
  const [[name, inner]] = node.entries();
  if (Object.hasOwn(GENERATORS, name)) return GENERATORS[name](inner, value);
  return inner.fault(`${inner.path} is unknown: ${Object.keys(GENERATORS).join(', ')} are known here`);
}

/** True for a group that is to be a generator. */
export function isGenerator(node: ScriptNode): boolean {
  const entries = node.entries();
  return entries.length === 1 && entries[0][0].startsWith('$');
}

function isBare(node: ScriptNode): boolean {
  if (node.kind === 'empty' || node.scalar === true) return true;
  node.problem('true');
  return false;
}

/** The range of a generator of numbers; undefined where it is wrong. */
function rangeOf(group: Group, node: ScriptNode): { from: number; to: number } | undefined {
  const from = group.need('from', anyNumber, 'a number');
  const to = group.need('to', anyNumber, 'a number');
  if (from === undefined || to === undefined) return undefined;
  return from <= to
    ? { from, to }
    : node.fault(`${node.path}.from is ${from}: at most ${to}, which "to" is, is expected`);
}

function roundingOf(group: Group): (value: number) => number {
  const digits = group.get('decimals', wholeIn(0, DECIMALS_MAX)) ?? 2;
  return (value) => Number(value.toFixed(digits));
}

function counter(node: ScriptNode): GeneratorSpec {
  const group = new Group(node, ['from', 'step', 'to']);
  const from = group.get('from', anyNumber) ?? 0;
  const step = group.get('step', anyNumber) ?? 1;
  const to = group.get('to', anyNumber) ?? NUMBER;
  return () => {
    let next = from;
    return () => {
      const value = next;
      next = value + step > to ? from : value + step;
      return value;
    };
  };
}

function walk(node: ScriptNode): GeneratorSpec | undefined {
  const group = new Group(node, ['from', 'to', 'step', 'start', 'decimals']);
  const range = rangeOf(group, node);
  const step = group.need('step', numberIn(0, NUMBER), 'a number');
  const start = group.get('start', anyNumber);
  const rounded = roundingOf(group);
  if (range === undefined || step === undefined) return undefined;
  const { from, to } = range;
  return (random) => {
    let value = start ?? random.between(from, to);
    return () => {
      const shown = rounded(value);
      value = Math.min(to, Math.max(from, value + random.between(-step, step)));
      return shown;
    };
  };
}

function uniform(node: ScriptNode): GeneratorSpec | undefined {
  const group = new Group(node, ['from', 'to', 'decimals']);
  const range = rangeOf(group, node);
  const rounded = roundingOf(group);
  const isWhole = group.get('decimals', wholeIn(0, DECIMALS_MAX)) === 0;
  if (range === undefined) return undefined;
  const { from, to } = range;
  // Rounding would give the two ends half of what is theirs.
  if (isWhole) return (random) => () => Math.floor(random.between(from, to + 1));
  return (random) => () => rounded(random.between(from, to));
}

function normal(node: ScriptNode): GeneratorSpec | undefined {
  const group = new Group(node, ['mean', 'deviation', 'from', 'to', 'decimals']);
  const mean = group.need('mean', anyNumber, 'a number');
  const deviation = group.need('deviation', numberIn(0, NUMBER), 'a number');
  const from = group.get('from', anyNumber) ?? -NUMBER;
  const to = group.get('to', anyNumber) ?? NUMBER;
  const rounded = roundingOf(group);
  if (mean === undefined || deviation === undefined) return undefined;
  return (random) => () => rounded(Math.min(to, Math.max(from, mean + deviation * random.normal())));
}

/** A time of day, as milliseconds since midnight. */
const timeOfDay: Read<number> = (node) => {
  const [, hours = '', minutes = ''] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(node.written ?? '') ?? [];
  if (hours === '') return node.problem('a time of day such as "14:30"');
  return (Number(hours) * 60 + Number(minutes)) * 60_000;
};

/** Between `from` and `to` once in a period, by the time of day in UTC. */
function sine(node: ScriptNode): GeneratorSpec | undefined {
  const group = new Group(node, ['from', 'to', 'period', 'highest', 'noise', 'decimals']);
  const range = rangeOf(group, node);
  const periodMs = group.get('period', timeIn(1, 366 * DAY_MS)) ?? DAY_MS;
  const highestMs = group.get('highest', timeOfDay) ?? DAY_MS / 2;
  const noise = group.get('noise', numberIn(0, NUMBER)) ?? 0;
  const rounded = roundingOf(group);
  if (range === undefined) return undefined;
  const { from, to } = range;
  return (random) =>
    ({ wallClockMs }) => {
      const share = (1 + Math.cos((2 * Math.PI * (wallClockMs - highestMs)) / periodMs)) / 2;
      return rounded(from + share * (to - from) + noise * random.normal());
    };
}

function oneOf(node: ScriptNode, value: Read<GeneratorSpec>): GeneratorSpec | undefined {
  const group = node.kind === 'list' ? undefined : new Group(node, ['of', 'weights']);
  const specs = group === undefined ? listOf(value)(node) : group.need('of', listOf(value), 'a list');
  const weights = group?.get('weights', listOf(numberIn(0, NUMBER))) ?? specs?.map(() => 1);
  if (specs === undefined || weights === undefined) return undefined;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (specs.length === 0 || weights.length !== specs.length || total <= 0) {
    return node.fault(
      `${node.path} has ${specs.length} values and ${weights.length} weights: as many of both are expected`,
    );
  }
  return (random) => {
    const generators = specs.map((spec, at) => spec(random.fork(String(at))));
    return (moment) => {
      let left = random.next() * total;
      const found = weights.findIndex((weight) => {
        left -= weight;
        return left < 0;
      });
      return generators[found < 0 ? generators.length - 1 : found](moment);
    };
  };
}

function timestamp(node: ScriptNode): GeneratorSpec | undefined {
  const form = node.kind === 'empty' ? 'iso' : choiceOf(['iso', 's', 'ms'])(node);
  if (form === undefined) return undefined;
  return () =>
    ({ wallClockMs }) => {
      if (form === 'iso') return new Date(wallClockMs).toISOString();
      return form === 's' ? Math.floor(wallClockMs / 1000) : Math.floor(wallClockMs);
    };
}

/** A value of the message that is answered, by its path such as `body.deviceId`. */
function request(node: ScriptNode): GeneratorSpec | undefined {
  const path = node.written;
  if (path === undefined || placesOf(path).length > 0) return node.problem('a path such as body.deviceId');
  return () => (moment) => {
    let value = moment.request;
    for (const name of path.split('.')) {
      const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
      value = isThere ? (value as Record<string, unknown>)[name] : null;
    }
    return value ?? null;
  };
}
