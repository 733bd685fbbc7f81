/** The script of `dunlin simulate`: fleets of devices, what they publish, what they answer, how they live. */

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  assertTopicFilter,
  assertTopicName,
  type ProtocolVersion,
  parseSharedFilter,
  type QoS,
} from '@dunlin/protocol';
import { localError } from '../exit-codes.ts';
import { systemReason } from '../system-reason.ts';
import { filled, placesOf } from '../text-template.ts';
import { csvRecords } from './csv.ts';
import type { GeneratorSpec } from './generators.ts';
import { valueRead } from './payload-spec.ts';
import { Problems, parseScript, type ScriptNode } from './script-node.ts';
import { choiceOf, flag, Group, listOf, numberIn, type Read, templateOf, timeIn, wholeIn } from './script-values.ts';

/** A time that varies: each one is up to `jitterMs` shorter or longer. */
export interface Varying {
  readonly ms: number;
  readonly jitterMs: number;
}

/** A message with its places not yet filled in. */
export interface MessageSpec {
  readonly topic: string;
  readonly payload: GeneratorSpec;
  readonly qos: QoS;
  readonly retain: boolean;
}

/** Messages that a device publishes by itself. */
export interface StreamSpec extends MessageSpec {
  /** Undefined: once whenever it has connected. */
  readonly every: Varying | undefined;
  /** More places, filled in anew for each message. */
  readonly values: ReadonlyMap<string, GeneratorSpec>;
}

/** What a device answers a message with. */
export interface RespondSpec extends Omit<MessageSpec, 'topic'> {
  /** Undefined: the Response Topic of the message. */
  readonly topic: string | undefined;
  readonly delay: Varying;
}

/** A subscription of each device. */
export interface SubscriptionSpec {
  readonly filter: string;
  readonly qos: QoS;
  readonly respond: RespondSpec | undefined;
}

/** How devices come and go. */
export interface LifeSpec {
  /** How long it is connected, and then away; undefined: always connected. */
  readonly sleep: { readonly awake: Varying; readonly asleep: Varying } | undefined;
  /** The mean time between two losses of the connection; undefined: none is made. */
  readonly dropsMs: number | undefined;
}

/** Devices that are alike. */
export interface FleetSpec {
  readonly name: string;
  readonly count: number;
  /** Of each device, from the table of devices; by name. */
  readonly records: readonly Readonly<Record<string, string>>[];
  /** Places of each device, filled in once. */
  readonly values: ReadonlyMap<string, GeneratorSpec>;
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Files of a certificate and its key, for each device. */
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  readonly protocolVersion: ProtocolVersion | undefined;
  /** Seconds. */
  readonly keepAlive: number | undefined;
  readonly cleanStart: boolean;
  /** Seconds. */
  readonly sessionExpiry: number | undefined;
  readonly will: MessageSpec | undefined;
  /** Devices that begin to connect in a second of real time. */
  readonly connectPerSecond: number;
  readonly subscribe: readonly SubscriptionSpec[];
  readonly publish: readonly StreamSpec[];
  readonly life: LifeSpec;
}

/** A whole script. */
export interface Script {
  readonly seed: string;
  /** What simulated time begins with, milliseconds since 1970; undefined: now. */
  readonly beginMs: number | undefined;
  readonly fleets: readonly FleetSpec[];
}

const DEVICES_MAX = 20_000;
const CONNECT_PER_SECOND_MAX = 5000;
const DAY_MS = 86_400_000;
const ANY_TIME = timeIn(1, 366 * DAY_MS);
const VERSIONS: Readonly<Record<string, ProtocolVersion>> = { '3.1': 3, '3.1.1': 4, '5.0': 5, '5': 5 };
const FLEET_KEYS = [
  ...['count', 'devices', 'values', 'clientId', 'username', 'password', 'certificate', 'key', 'version', 'keepAlive'],
  ...['cleanStart', 'sessionExpiry', 'will', 'connectPerSecond', 'subscribe', 'publish', 'life'],
];

/** Reads a script. Throws a local error where a file cannot be read, a usage error with all that is wrong. */
export function readScript(path: string): Script {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw localError(`Cannot read the script "${path}": ${systemReason(error)}`);
  }
  return parseScriptText(text, path, dirname(resolve(path)));
}

/** The same from a text; files that it names begin in `directory`. */
export function parseScriptText(text: string, file: string, directory: string): Script {
  const problems = new Problems(file);
  const root = parseScript(text, problems);
  const group = new Group(root, ['seed', 'begin', 'fleets']);
  const seed = group.get('seed', (node) => node.written ?? node.problem('a number or a word')) ?? '1';
  const beginMs = group.get('begin', moment);
  const fleets = group.need('fleets', (node) => fleetsOf(node, directory), 'a group of fleets') ?? [];
  const devices = fleets.reduce((sum, { count }) => sum + count, 0);
  if (devices > DEVICES_MAX) root.fault(`the fleets have ${devices} devices: at most ${DEVICES_MAX} are expected`);
  problems.throwIfAny();
  return { seed, beginMs, fleets };
}

const moment: Read<number> = (node) => {
  const ms = Date.parse(node.written ?? '');
  return Number.isNaN(ms) ? node.problem('a time such as 2026-01-31T08:00:00Z') : ms;
};

function fleetsOf(node: ScriptNode, directory: string): FleetSpec[] {
  const entries = node.entries();
  if (entries.length === 0) node.problem('a group of fleets');
  return entries.flatMap(([name, fleet]) => {
    if (!/^[\w-]+$/.test(name))
      fleet.fault(`${fleet.path}: letters, digits, _ and - are expected in the name of a fleet`);
    return fleetOf(name, fleet, directory) ?? [];
  });
}

function fleetOf(name: string, node: ScriptNode, directory: string): FleetSpec | undefined {
  const group = new Group(node, FLEET_KEYS);
  const records = group.get('devices', (file) => recordsOf(file, directory));
  const count = group.get('count', wholeIn(1, DEVICES_MAX)) ?? records?.length ?? 1;
  if (records !== undefined && count > records.length) {
    node.fault(`${node.path}.count is ${count}: at most ${records.length}, as many as "devices" has, are expected`);
  }
  const names = new Set(['i', 'fleet', ...Object.keys(records?.[0] ?? {})]);
  const values = group.get('values', (inner) => valuesOf(inner, names)) ?? new Map();
  for (const value of values.keys()) names.add(value);
  const text = templateOf(names);
  const file: Read<string> = (inner) => {
    const path = text(inner);
    return path === undefined ? undefined : resolve(directory, path);
  };
  const clientId = group.get('clientId', text) ?? '{fleet}-{i}';
  if (count > 1 && placesOf(clientId).every((place) => place === 'fleet')) {
    node.fault(
      `${node.path}.clientId is "${clientId}": a place such as {i} is expected, since each device needs its own`,
    );
  }
  if (group.has('certificate') !== group.has('key'))
    node.fault(`${node.path}: certificate and key are expected together`);
  const version = group.get('version', choiceOf(Object.keys(VERSIONS)));
  return {
    name,
    count,
    records: records ?? [],
    values,
    clientId,
    username: group.get('username', text),
    password: group.get('password', text),
    certificate: group.get('certificate', file),
    key: group.get('key', file),
    protocolVersion: version === undefined ? undefined : VERSIONS[version],
    keepAlive: inSeconds(group.get('keepAlive', timeIn(0, 65_535_000))),
    cleanStart: group.get('cleanStart', flag) ?? true,
    sessionExpiry: inSeconds(group.get('sessionExpiry', timeIn(0, 366 * DAY_MS))),
    will: group.get('will', (inner) => messageOf(new Group(inner, MESSAGE_KEYS), names)),
    connectPerSecond: group.get('connectPerSecond', numberIn(0.001, CONNECT_PER_SECOND_MAX)) ?? 50,
    subscribe:
      group.get(
        'subscribe',
        listOf((inner) => subscriptionOf(inner, names)),
      ) ?? [],
    publish:
      group.get(
        'publish',
        listOf((inner) => streamOf(inner, names)),
      ) ?? [],
    life: group.get('life', lifeOf) ?? { sleep: undefined, dropsMs: undefined },
  };
}

function inSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}

/** What is wrong with the table is told, and none of its values. */
function recordsOf(node: ScriptNode, directory: string): Record<string, string>[] | undefined {
  const path = node.written;
  if (path === undefined) return node.problem('the name of a CSV file');
  try {
    const records = csvRecords(readFileSync(resolve(directory, path), 'utf8'));
    return records.length > 0 ? records : node.fault(`${node.path}: "${path}" has no row`);
  } catch (error) {
    return node.fault(`${node.path}: "${path}" cannot be used: ${systemReason(error)}`);
  }
}

function valuesOf(node: ScriptNode, names: ReadonlySet<string>): Map<string, GeneratorSpec> {
  if (node.kind !== 'group') node.problem('a group of names and values');
  const values = new Map<string, GeneratorSpec>();
  for (const [name, value] of node.entries()) {
    if (!/^[A-Za-z_]\w*$/.test(name)) value.fault(`${value.path}: letters, digits and _ are expected in a name`);
    // Those before it may be used.
    const spec = valueRead(new Set([...names, ...values.keys()]))(value);
    if (spec !== undefined) values.set(name, spec);
  }
  return values;
}

const MESSAGE_KEYS = ['topic', 'payload', 'qos', 'retain'];
const qosOf: Read<QoS> = (node) => wholeIn(0, 2)(node) as QoS | undefined;
const EMPTY: GeneratorSpec = () => () => '';

function messageOf(group: Group, names: ReadonlySet<string>): MessageSpec | undefined {
  const topic = group.need('topic', topicOf(names), 'a topic');
  const rest = restOf(group, names);
  return topic === undefined ? undefined : { topic, ...rest };
}

function restOf(group: Group, names: ReadonlySet<string>): Omit<MessageSpec, 'topic'> {
  return {
    payload: group.get('payload', valueRead(names)) ?? EMPTY,
    qos: group.get('qos', qosOf) ?? 0,
    retain: group.get('retain', flag) ?? false,
  };
}

/** A topic, checked with something in its places. */
function topicOf(names: ReadonlySet<string>, check: (topic: string) => void = assertTopicName): Read<string> {
  return (node) => {
    const topic = templateOf(names)(node);
    if (topic === undefined) return undefined;
    try {
      check(filled(topic, Object.fromEntries([...names].map((name) => [name, 'x']))));
      return topic;
    } catch (error) {
      return node.fault(`${node.path}: ${(error as Error).message}`);
    }
  };
}

function streamOf(node: ScriptNode, fleetNames: ReadonlySet<string>): StreamSpec | undefined {
  const group = new Group(node, [...MESSAGE_KEYS, 'every', 'jitter', 'on', 'values']);
  const values = group.get('values', (inner) => valuesOf(inner, fleetNames)) ?? new Map();
  const message = messageOf(group, new Set([...fleetNames, ...values.keys()]));
  if (group.has('every') === group.has('on')) {
    return node.fault(`${node.path}: either "every" with a time or "on: connect" is expected`);
  }
  group.get('on', choiceOf(['connect']));
  const every = varying(node, group, 'every');
  return message === undefined ? undefined : { ...message, every, values };
}

/** The time of this name with the jitter of the group; undefined where it is not there. */
function varying(node: ScriptNode, group: Group, name: string): Varying | undefined {
  const ms = group.get(name, ANY_TIME);
  const jitterMs = group.get('jitter', ANY_TIME) ?? 0;
  if (ms === undefined) return undefined;
  if (jitterMs > ms) return node.fault(`${node.path}.jitter is longer than "${name}": at most that is expected`);
  return { ms, jitterMs };
}

function subscriptionOf(node: ScriptNode, names: ReadonlySet<string>): SubscriptionSpec | undefined {
  const group = new Group(node, ['topic', 'qos', 'respond']);
  const check = (filter: string): void => assertTopicFilter(parseSharedFilter(filter)?.filter ?? filter);
  const filter = group.need('topic', topicOf(names, check), 'a topic filter');
  // {level1} is what the first + of the filter stands for, and so on.
  const levels = (filter ?? '').split('/').filter((level) => level === '+').length;
  const respond = group.get('respond', (inner) => respondOf(inner, names, levels));
  return filter === undefined ? undefined : { filter, qos: group.get('qos', qosOf) ?? 0, respond };
}

function respondOf(node: ScriptNode, fleetNames: ReadonlySet<string>, levels: number): RespondSpec {
  const group = new Group(node, [...MESSAGE_KEYS, 'delay', 'jitter']);
  const names = new Set([...fleetNames, ...Array.from({ length: levels }, (_, at) => `level${at + 1}`)]);
  const topic = group.get('topic', topicOf(names));
  return { topic, ...restOf(group, names), delay: varying(node, group, 'delay') ?? { ms: 0, jitterMs: 0 } };
}

function lifeOf(node: ScriptNode): LifeSpec {
  const group = new Group(node, ['awake', 'asleep', 'jitter', 'drops']);
  if (group.has('awake') !== group.has('asleep')) node.fault(`${node.path}: awake and asleep are expected together`);
  const awake = varying(node, group, 'awake');
  const asleep = varying(node, group, 'asleep');
  const sleep = awake === undefined || asleep === undefined ? undefined : { awake, asleep };
  return { sleep, dropsMs: group.get('drops', ANY_TIME) };
}
