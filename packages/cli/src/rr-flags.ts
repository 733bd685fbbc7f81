/** The flags of `dunlin rr` and its help. */

import { TopicTemplate } from '@dunlin/client/topics';
import type { QoS } from '@dunlin/protocol';
import {
  type ConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readClientFlags,
  readQos,
} from './connection-flags.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, secondsAsMs, wholeNumber } from './flags.ts';
import { type PropertyTarget, propertyHelp } from './property-flags.ts';
import { PAYLOAD_FLAGS, type PayloadFlags } from './pub-flags.ts';
import type { Terminal } from './terminal.ts';

/** What the command line of `dunlin rr` says. */
export interface RrFlags extends ConnectionFlags, PayloadFlags {
  /** Of requests: a topic, or a template with `{id}`. With `respond` a filter or a template. */
  topic?: string;
  responseTopic?: string;
  qos: QoS;
  timeoutMs?: number;
  /** Requests to send, one after the other; with `respond` answers to give. */
  count?: number;
  time: boolean;
  verbose: boolean;
  newline: boolean;
  pretty: boolean;
  format?: string;
  respond: boolean;
  echo: boolean;
  /** Program and arguments. */
  command?: readonly string[];
}

const PACKETS: readonly PropertyTarget[] = ['connect', 'publish', 'disconnect', 'will'];
const COUNT_MAX = 1_000_000;

const REQUEST: FlagGroup<RrFlags> = {
  title: 'Request',
  flags: [
    {
      short: 't',
      long: 'topic',
      values: ['TOPIC'],
      help: 'topic of the request; {id} in it is a new text with each',
      set: (flags, [topic]) => {
        if (flags.topic !== undefined) throw usageError('Cannot use more than one topic: expected one -t');
        flags.topic = topic;
      },
    },
    {
      short: 'e',
      long: 'response-topic',
      values: ['TOPIC'],
      help: 'topic of the answer (MQTT 5.0: one of this client); with -V 311 both topics need {id}',
      set: (flags, [topic]) => {
        flags.responseTopic = topic;
      },
    },
    ...PAYLOAD_FLAGS,
    {
      short: 'q',
      long: 'qos',
      values: ['QOS'],
      help: '0, 1 or 2 (1: MQTT 5.0 servers tell where nobody takes the request)',
      set: (flags, [qos]) => {
        flags.qos = readQos(qos);
      },
    },
    {
      short: 'W',
      values: ['SECONDS'],
      help: 'how long an answer may take (30); exit code 27. With --respond the time of all, without end if not given',
      set: (flags, [seconds]) => {
        flags.timeoutMs = secondsAsMs('time-out', seconds);
      },
    },
    {
      long: 'count',
      values: ['COUNT'],
      help: 'send the request so often, each when the one before is over, and print how long the answers took',
      set: (flags, [count]) => {
        flags.count = wholeNumber('count', count, 1, COUNT_MAX);
      },
    },
  ],
};

const OUTPUT: FlagGroup<RrFlags> = {
  title: 'Output; with --count answers are printed if one of -v and -F is there',
  flags: [
    {
      long: 'time',
      help: 'tell on standard error how long each answer took',
      set: (flags) => {
        flags.time = true;
      },
    },
    {
      short: 'v',
      long: 'verbose',
      help: 'print the topic before the payload',
      set: (flags) => {
        flags.verbose = true;
      },
    },
    {
      short: 'F',
      values: ['FORMAT'],
      help: 'print the answer in this format, see dunlin sub --help',
      set: (flags, [format]) => {
        flags.format = format;
      },
    },
    {
      long: 'pretty',
      help: 'JSON of %j and %J in several lines',
      set: (flags) => {
        flags.pretty = true;
      },
    },
    {
      short: 'N',
      help: 'no newline behind the answer',
      set: (flags) => {
        flags.newline = false;
      },
    },
    {
      short: 'R',
      help: 'accepted as elsewhere; what was retained before the request is never its answer',
      set: () => {},
    },
  ],
};

const RESPOND: FlagGroup<RrFlags> = {
  title: 'Answering',
  flags: [
    {
      long: 'respond',
      help: 'answer requests to -t, which may be a filter, with -m, -f, -s, -n, --echo or --exec; ends after --count',
      set: (flags) => {
        flags.respond = true;
      },
    },
    {
      long: 'echo',
      help: 'the answer is the payload of the request',
      set: (flags) => {
        flags.echo = true;
      },
    },
    {
      long: 'exec',
      values: ['COMMAND', '…'],
      valueCount: (following) => Math.max(1, following.length),
      help: 'the answer is what this program prints, which gets the request as input; takes the rest of the line',
      set: (flags, command) => {
        flags.command = command;
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<RrFlags>[] = [REQUEST, OUTPUT, RESPOND, ...connectionFlagGroups(PACKETS)];

const HELP: CommandHelp = {
  name: 'dunlin rr',
  summary: 'sends a request to an MQTT server and prints the answer, or answers requests',
  usage: [
    'dunlin rr -t TOPIC (-m TEXT | -f FILE | -s | -n) [-e TOPIC] [flags]',
    'dunlin rr --respond -t FILTER [-e TOPIC] [flags] (-m TEXT | -f FILE | -s | -n | --echo | --exec COMMAND …)',
  ],
  examples: [
    ['dunlin rr -t player/42/request -m \'{"x":1}\' -W 5', 'one request, its answer within five seconds'],
    ['dunlin rr -t player/42/request -m ping --count 100', 'how long answers take'],
    ["dunlin rr -V 311 -t 'lamp/request/{id}' -e 'lamp/response/{id}' -m on", 'without MQTT 5.0, by the topics'],
    ["dunlin rr --respond -t 'player/+/request' --echo", 'answers each request with its payload'],
    ["dunlin rr --respond -t 'text/upper' --exec tr a-z A-Z", 'answers with what a program prints'],
  ],
  notes: [
    [
      'Answers',
      [
        'With MQTT 5.0 the request says where its answer goes (Response Topic) and which one it is (Correlation Data).',
        'Where topics hold {id}, its text does both: lamp/request/{id} is answered on lamp/response/{id}.',
        'A program of --exec gets the topic of the request as MQTT_TOPIC. No shell reads its arguments. It has 30 s;',
        'where it fails or prints more than 16 MiB, or requests of 64 MiB wait, no answer is sent, which is told on',
        'standard error.',
      ],
    ],
    ['Properties for -D', propertyHelp(PACKETS)],
  ],
};

/** Help and flags of `dunlin rr`. */
export const RR_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin rr --help`. */
export function rrHelp(): string {
  return helpText(HELP, GROUPS);
}

function newRrFlags(): RrFlags {
  const flags = { qos: 1, time: false, verbose: false, newline: true, pretty: false, respond: false } as const;
  return { ...newConnectionFlags(), ...flags, echo: false };
}

/** Reads and checks the command line. Throws a usage error. */
export function readRrFlags(
  argv: readonly string[],
  environment?: Terminal['environment'],
): RrFlags & { topic: string } {
  const flags = readClientFlags('dunlin rr', GROUPS, argv, newRrFlags, undefined, environment);
  const topic = flags.topic ?? flags.url?.topic;
  if (topic === undefined) throw usageError('Cannot use rr without a topic: expected -t TOPIC');
  checkTemplates(flags, topic);
  checkAnswer(flags);
  return { ...flags, topic };
}

function checkAnswer({ source, respond, echo, command, format, verbose, time }: RrFlags): void {
  const given = [source, echo || undefined, command].filter((one) => one !== undefined).length;
  if (!respond) {
    if (echo || command !== undefined) throw usageError('Cannot use --echo or --exec without --respond');
    if (given === 0) throw usageError('Cannot request without a payload: expected one of -m, -f, -s and -n');
    return;
  }
  if (given !== 1) throw usageError('Cannot answer: expected one of -m, -f, -s, -n, --echo and --exec');
  if (format !== undefined || verbose || time) throw usageError('Cannot use -F, -v or --time with --respond');
}

/** Told before anything is connected. */
function checkTemplates({ respond, responseTopic, version }: RrFlags, topic: string): void {
  try {
    const names = new TopicTemplate<string>(topic).names;
    const answerNames = responseTopic === undefined ? [] : new TopicTemplate<string>(responseTopic).names;
    const strange = respond
      ? answerNames.find((name) => !names.includes(name))
      : [...names, ...answerNames].find(isOther);
    if (strange !== undefined) {
      const expected = respond ? 'expected only names that -t has too' : 'expected only {id}';
      throw usageError(`Cannot fill "{${strange}}" of a topic: ${expected}`);
    }
    if (version !== undefined && version < 5) checkOlder(respond, names, answerNames, responseTopic);
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

function isOther(name: string): boolean {
  return name !== 'id';
}

/** Before MQTT 5.0 only the topics can say which answer belongs to which request. */
function checkOlder(respond: boolean, names: readonly string[], answerNames: readonly string[], topic?: string): void {
  if (respond && topic === undefined)
    throw usageError('Cannot answer before MQTT 5.0 without -e: it is the topic of the answer');
  if (!respond && !(names.includes('id') && answerNames.includes('id'))) {
    throw usageError('Cannot request before MQTT 5.0 without {id} in -t and -e, as in lamp/request/{id}');
  }
}
