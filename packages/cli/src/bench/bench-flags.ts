/** The flags of `dunlin bench` and its help. */

import type { QoS } from '@dunlin/protocol';
import {
  type ConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readClientFlags,
  readQos,
} from '../connection-flags.ts';
import { usageError } from '../exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, secondsAsMs, wholeNumber } from '../flags.ts';
import { type PropertyTarget, propertyHelp } from '../property-flags.ts';
import { checkTopic } from '../pub-flags.ts';
import { checkFilter } from '../sub-flags.ts';
import { filled, placesOf } from '../text-template.ts';
import { STAMP_BYTES } from './stamp.ts';

/** What is measured. */
export const BENCH_MODES = ['connect', 'pub', 'sub', 'pairs', 'latency'] as const;
export type BenchMode = (typeof BENCH_MODES)[number];

/** What the command line of `dunlin bench` says. */
export interface BenchFlags extends ConnectionFlags {
  mode?: BenchMode;
  clients: number;
  /** Messages a second of all publishers together; undefined: as fast as `windowMax` lets them. */
  rate?: number;
  payloadBytes: number;
  qos: QoS;
  retain: boolean;
  topic?: string;
  durationMs: number;
  warmupMs: number;
  /** Connections begun in a second. */
  connectRate: number;
  /** Messages of one publisher that are under way. */
  windowMax: number;
  json: boolean;
}

/** The same when it is complete. */
export type BenchPlan = BenchFlags & Required<Pick<BenchFlags, 'mode' | 'topic'>>;

const CLIENTS_MAX = 50_000;
const RATE_MAX = 1_000_000;
const CONNECT_RATE_MAX = 20_000;
const WINDOW_MAX = 10_000;
const PAYLOAD_BYTES_MAX = 10_000_000;
const DURATION_MS_MAX = 86_400_000;
/** Of all payloads that may be under way. */
const HELD_BYTES_MAX = 268_435_456;
const LATENCY_RATE = 1000;
const PACKETS: readonly PropertyTarget[] = ['connect', 'publish', 'subscribe', 'disconnect', 'will'];

const LOAD: FlagGroup<BenchFlags> = {
  title: 'Load',
  flags: [
    {
      short: 'n',
      long: 'clients',
      values: ['COUNT'],
      help: 'clients (100); with pairs and latency so many publishers and so many subscribers',
      set: (flags, [count]) => {
        flags.clients = wholeNumber('number of clients', count, 1, CLIENTS_MAX);
      },
    },
    {
      long: 'connect-rate',
      values: ['COUNT'],
      help: 'connections begun in a second (500)',
      set: (flags, [count]) => {
        flags.connectRate = wholeNumber('connections a second', count, 1, CONNECT_RATE_MAX);
      },
    },
    {
      short: 'r',
      long: 'rate',
      values: ['COUNT'],
      help: 'messages a second of all publishers together (as fast as -w allows; latency: 1000)',
      set: (flags, [count]) => {
        flags.rate = wholeNumber('messages a second', count, 1, RATE_MAX);
      },
    },
    {
      short: 'w',
      long: 'window',
      values: ['COUNT'],
      help: 'messages of one publisher under way: not acknowledged or, with pairs, not delivered (100)',
      set: (flags, [count]) => {
        flags.windowMax = wholeNumber('window', count, 1, WINDOW_MAX);
      },
    },
    {
      short: 's',
      long: 'size',
      values: ['BYTES'],
      help: `bytes of a payload (64); from ${STAMP_BYTES} on messages are numbered`,
      set: (flags, [bytes]) => {
        flags.payloadBytes = wholeNumber('payload size', bytes, 0, PAYLOAD_BYTES_MAX);
      },
    },
    {
      short: 'q',
      long: 'qos',
      values: ['QOS'],
      help: '0, 1 or 2 (0), of publishers and subscribers',
      set: (flags, [qos]) => {
        flags.qos = readQos(qos);
      },
    },
    {
      long: 'retain',
      help: 'messages are retained; clear them afterwards with dunlin sub --remove-retained',
      set: (flags) => {
        flags.retain = true;
      },
    },
    {
      short: 't',
      long: 'topic',
      values: ['TOPIC'],
      help: 'topic of each client, {i} is its number from 0 (bench/{i}); of sub a filter',
      set: (flags, [topic]) => {
        flags.topic = topic;
      },
    },
  ],
};

const TIME: FlagGroup<BenchFlags> = {
  title: 'Time and result',
  flags: [
    {
      long: 'duration',
      values: ['SECONDS'],
      help: 'how long is measured once all are connected (10); with connect how long they are held',
      set: (flags, [seconds]) => {
        flags.durationMs = secondsAsMs('duration', seconds, DURATION_MS_MAX);
      },
    },
    {
      long: 'warmup',
      values: ['SECONDS'],
      help: 'how long before that messages flow and are not measured (1)',
      set: (flags, [seconds]) => {
        flags.warmupMs = secondsAsMs('warm-up', seconds, DURATION_MS_MAX);
      },
    },
    {
      long: 'json',
      help: 'print one line of JSON: times in microseconds, sizes in bytes',
      set: (flags) => {
        flags.json = true;
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<BenchFlags>[] = [LOAD, TIME, ...connectionFlagGroups(PACKETS)];

const HELP: CommandHelp = {
  name: 'dunlin bench',
  summary: 'loads an MQTT server and measures it',
  usage: [
    'dunlin bench connect [flags]   opens connections and holds them',
    'dunlin bench pub [flags]       publishes, each client to its topic',
    'dunlin bench sub [flags]       subscribes, each client to its topic, and counts what others publish',
    'dunlin bench pairs [flags]     publishes and receives, each publisher with a subscriber of its own',
    'dunlin bench latency [flags]   the same at a fixed rate, for times from publisher to subscriber',
  ],
  examples: [
    ['dunlin bench pairs', '100 pairs, QoS 0, ten seconds, as fast as it goes'],
    ['dunlin bench latency -n 50 -r 10000 -q 1', '10,000 messages a second'],
    ['dunlin bench connect -n 10000 --connect-rate 5000', 'how long connecting takes'],
    ['dunlin bench pub -L mqtts://host -n 1000 -r 1000 -s 1000', 'a kilobyte from each client once a second'],
    ["dunlin bench sub -n 3 -t '$share/bench/bench/+'", 'what a shared subscription gets, beside a bench pub'],
  ],
  notes: [
    [
      'What is measured',
      [
        'Everything runs in this one process, which the result tells how busy was: near 100 % the figures are its limit.',
        'Messages are numbered: lost ones never came, duplicated ones came twice, out of order are those behind a later one.',
        'Percentiles are at most 0.8 % too high. Ctrl-C ends in order, with the results so far.',
        'Client Identifiers may hold {i}: -i sensor-{i}. A lost connection is counted, and not made anew.',
        'The exit code is 0 unless nothing worked: then it is that of the first failure.',
      ],
    ],
    ['Properties for -D', propertyHelp(PACKETS)],
  ],
};

/** Help and flags of `dunlin bench`. */
export const BENCH_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin bench --help`. */
export function benchHelp(): string {
  return helpText(HELP, GROUPS);
}

function newBenchFlags(): BenchFlags {
  return {
    ...newConnectionFlags(),
    clients: 100,
    payloadBytes: 64,
    qos: 0,
    retain: false,
    durationMs: 10_000,
    warmupMs: 1000,
    connectRate: 500,
    windowMax: 100,
    json: false,
  };
}

/** Reads and checks the command line. Throws a usage error. */
export function readBenchFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): BenchPlan {
  const flags = readClientFlags('dunlin bench', GROUPS, argv, newBenchFlags, setMode, environment);
  const { mode, clients, windowMax, payloadBytes } = flags;
  if (mode === undefined) {
    const modes = BENCH_MODES.join(', ');
    throw usageError(`Cannot measure without a mode: expected one of ${modes}, such as dunlin bench pub`);
  }
  if (flags.durationMs === 0 && mode !== 'connect') {
    throw usageError('Cannot measure for no time: expected a --duration above 0, such as 10');
  }
  const plan = { ...flags, mode, topic: flags.topic ?? flags.url?.topic ?? 'bench/{i}' };
  if (mode === 'latency') plan.rate ??= LATENCY_RATE;
  checkPlanTopic(plan);
  if (clients > 1 && flags.clientId !== undefined && !isNumbered(flags.clientId)) {
    throw usageError(
      `Cannot connect ${clients} clients as "${flags.clientId}": expected {i} in it, such as -i bench-{i}`,
    );
  }
  if (mode === 'latency' && payloadBytes < STAMP_BYTES) {
    throw usageError(
      `Cannot measure latency with ${payloadBytes} bytes: expected at least ${STAMP_BYTES}, for the time`,
    );
  }
  const held = clients * windowMax * payloadBytes;
  if (held > HELD_BYTES_MAX && mode !== 'connect' && mode !== 'sub') {
    const found = `${clients} × ${windowMax} (-w) messages of ${payloadBytes} bytes under way are ${held} bytes`;
    throw usageError(`Cannot hold so much: ${found}, expected at most ${HELD_BYTES_MAX}`);
  }
  return plan;
}

/** True where each client gets a text of its own. */
export function isNumbered(text: string): boolean {
  return placesOf(text).includes('i');
}

function setMode(flags: BenchFlags, word: string): void {
  const mode = BENCH_MODES.find((name) => name === word);
  if (mode === undefined) throw usageError(`Cannot measure "${word}": expected one of ${BENCH_MODES.join(', ')}`);
  if (flags.mode !== undefined) throw usageError(`Cannot measure ${flags.mode} and ${mode} at once`);
  flags.mode = mode;
}

function checkPlanTopic({ mode, topic, clients }: BenchPlan): void {
  const place = placesOf(topic).find((name) => name !== 'i');
  if (place !== undefined)
    throw usageError(`Cannot use the topic "${topic}": {${place}} is unknown, {i} is the number`);
  const first = filled(topic, { i: 0 });
  if (mode === 'sub') checkFilter(first);
  else if (mode !== 'connect') checkTopic(first);
  if (clients > 1 && (mode === 'pairs' || mode === 'latency') && !isNumbered(topic)) {
    throw usageError(`Cannot give ${clients} pairs one topic "${topic}": expected {i} in it, such as bench/{i}`);
  }
}
