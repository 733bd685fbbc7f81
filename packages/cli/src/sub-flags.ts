/** The flags of `dunlin sub` and its help. */

import { assertTopicFilter, parseSharedFilter, type QoS } from '@dunlin/protocol';
import {
  type ConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readClientFlags,
  readQos,
  versionOf,
} from './connection-flags.ts';
import { usageError } from './exit-codes.ts';
import {
  type CommandHelp,
  type CommandPage,
  columns,
  type FlagGroup,
  helpText,
  secondsAsMs,
  wholeNumber,
} from './flags.ts';
import { compileFormat, PARAMETERS } from './message-format.ts';
import { type PropertyTarget, propertyHelp } from './property-flags.ts';
import { checkTopic } from './pub-flags.ts';

/** What the command line of `dunlin sub` says. */
export interface SubFlags extends ConnectionFlags {
  filters: string[];
  unsubscribe: string[];
  filterOut: string[];
  qos: QoS;
  /** Messages to print before the end; undefined: no such end. */
  count?: number;
  timeoutMs?: number;
  format?: string;
  /** In place of payloads or a format. */
  output?: SubOutput;
  /** Tables of rates in place of messages, so often. */
  ratesMs?: number;
  pretty: boolean;
  verbose: boolean;
  newline: boolean;
  skipRetained: boolean;
  retainedOnly: boolean;
  removeRetained: boolean;
  exitWhenSubscribed: boolean;
  noLocal: boolean;
  retainAsPublished: boolean;
  retainHandling: 0 | 1 | 2;
  /** Percent of the messages to print, at random. */
  randomFilter: number;
  /** The command outlives its connections. */
  reconnects: boolean;
}

/** What is shown of the messages, other than payloads or a format. */
export type SubOutput = 'json' | 'hex' | 'watch';

const PACKETS: readonly PropertyTarget[] = ['connect', 'subscribe', 'unsubscribe', 'disconnect', 'will'];
const COUNT_MAX = 0xffff_ffff;
const RATES_MS_MIN = 100;

/** Remembers what is shown, of which there is one. */
function setOutput(flags: SubFlags, output: SubOutput): void {
  if (flags.output !== undefined && flags.output !== output) {
    throw usageError('Cannot use more than one of --json, --hex and --watch');
  }
  flags.output = output;
}

const SUBSCRIPTION: FlagGroup<SubFlags> = {
  title: 'Subscription',
  flags: [
    {
      short: 't',
      long: 'topic',
      values: ['FILTER'],
      help: 'filter to subscribe to; may be given several times',
      set: (flags, [filter]) => void flags.filters.push(filter),
    },
    {
      short: 'q',
      long: 'qos',
      values: ['QOS'],
      help: 'the most that the server shall send with: 0, 1 or 2 (0)',
      set: (flags, [qos]) => {
        flags.qos = readQos(qos);
      },
    },
    {
      short: 'U',
      long: 'unsubscribe',
      values: ['FILTER'],
      help: 'unsubscribe from this, after the subscriptions; with -c',
      set: (flags, [filter]) => void flags.unsubscribe.push(filter),
    },
    {
      long: 'no-local',
      help: 'not what this client published itself; MQTT 5.0; has no effect on $share filters',
      set: (flags) => {
        flags.noLocal = true;
      },
    },
    {
      long: 'retain-as-published',
      help: 'show RETAIN as it was published; MQTT 5.0',
      set: (flags) => {
        flags.retainAsPublished = true;
      },
    },
    {
      long: 'retain-handling',
      values: ['0|1|2'],
      help: 'retained messages: 0 send, 1 if the subscription is new, 2 do not (0); MQTT 5.0',
      set: (flags, [handling]) => {
        flags.retainHandling = wholeNumber('retain handling', handling, 0, 2) as 0 | 1 | 2;
      },
    },
  ],
};

const SELECTION: FlagGroup<SubFlags> = {
  title: 'Which messages are printed',
  flags: [
    {
      short: 'T',
      long: 'filter-out',
      values: ['FILTER'],
      help: 'not those on these topics; may be given several times',
      set: (flags, [filter]) => void flags.filterOut.push(filter),
    },
    {
      short: 'R',
      help: 'not those that were retained',
      set: (flags) => {
        flags.skipRetained = true;
      },
    },
    {
      long: 'retained-only',
      help: 'only those that were retained; the first other one ends the command',
      set: (flags) => {
        flags.retainedOnly = true;
      },
    },
    {
      long: 'remove-retained',
      help: 'clear what is retained at the server, for each retained message that comes',
      set: (flags) => {
        flags.removeRetained = true;
      },
    },
    {
      long: 'random-filter',
      values: ['PERCENT'],
      help: 'print this share of them, chosen by chance (100)',
      set: (flags, [percent]) => {
        const value = Number(percent);
        if (!(value >= 0.1 && value <= 100)) {
          throw usageError(`Cannot print ${percent} percent: expected a number from 0.1 to 100`);
        }
        flags.randomFilter = value;
      },
    },
  ],
};

const OUTPUT: FlagGroup<SubFlags> = {
  title: 'Output and end',
  flags: [
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
      help: 'print each message in this format, see below',
      set: (flags, [format]) => {
        flags.format = format;
      },
    },
    {
      long: 'pretty',
      help: 'JSON in several lines: the payload, or %j and %J of -F',
      set: (flags) => {
        flags.pretty = true;
      },
    },
    {
      long: 'json',
      help: 'a line of JSON for each message, with the time of receipt: see the guide',
      set: (flags) => setOutput(flags, 'json'),
    },
    {
      long: 'hex',
      help: 'the bytes in hex with offsets and ASCII',
      set: (flags) => setOutput(flags, 'hex'),
    },
    {
      long: 'watch',
      help: 'a live view with one line for each topic; into a pipe as -v',
      set: (flags) => setOutput(flags, 'watch'),
    },
    {
      long: 'rates',
      values: ['SECONDS'],
      help: 'no messages, but how many came on each topic, so often and at the end',
      set: (flags, [seconds]) => {
        flags.ratesMs = secondsAsMs('interval of the rates', seconds);
        if (flags.ratesMs < RATES_MS_MIN) {
          throw usageError(
            `Cannot use interval of the rates "${seconds}": expected at least ${RATES_MS_MIN / 1000} seconds`,
          );
        }
      },
    },
    {
      short: 'N',
      help: 'no newline behind each message',
      set: (flags) => {
        flags.newline = false;
      },
    },
    {
      short: 'C',
      values: ['COUNT'],
      help: 'end after so many messages',
      set: (flags, [count]) => {
        flags.count = wholeNumber('message count', count, 1, COUNT_MAX);
      },
    },
    {
      short: 'W',
      values: ['SECONDS'],
      help: 'end after this time, connecting included; exit code 27',
      set: (flags, [seconds]) => {
        flags.timeoutMs = secondsAsMs('time-out', seconds);
      },
    },
    {
      short: 'E',
      help: 'end when the server has confirmed the subscriptions',
      set: (flags) => {
        flags.exitWhenSubscribed = true;
      },
    },
    {
      long: 'no-reconnect',
      help: 'end with 2 when the connection is lost, and do not connect again',
      set: (flags) => {
        flags.reconnects = false;
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<SubFlags>[] = [SUBSCRIPTION, SELECTION, OUTPUT, ...connectionFlagGroups(PACKETS)];

const HELP: CommandHelp = {
  name: 'dunlin sub',
  summary: 'subscribes at an MQTT server and prints the messages that come',
  usage: ['dunlin sub -t FILTER [-t FILTER …] [flags]'],
  examples: [
    ["dunlin sub -t '#' -v", 'everything, with topics'],
    ["dunlin sub -t 'room/+/temperature' -q 1", 'one level of any name'],
    ["dunlin sub -t 'room/#' -C 1 -W 5", 'one message within five seconds, for scripts'],
    ["dunlin sub -t '#' -F '%I %t %p'", 'with the time of receipt'],
    ["dunlin sub -t '#' --json", 'one JSON object a line, for programs'],
    ["dunlin sub -t '#' --watch", 'a live view: one line for each topic'],
    ["dunlin sub -t '#' --rates 5", 'how many messages come on each topic'],
    ["dunlin sub -t 'jobs/#' -q 1 -c -i worker1", 'nothing is missed between two runs'],
    ["dunlin sub -t '#' --remove-retained --retained-only -W 2", 'clear all retained messages'],
  ],
  notes: [
    [
      'Format of -F',
      [
        ...columns(Object.entries(PARAMETERS).map(([letter, { help }]) => [`%${letter}`, help] as const)),
        ...columns([
          ['@Y @m @d @H @M @S …', 'time of receipt by a letter of strftime; @N nanoseconds; @@'],
          ['\\n \\t \\r \\e \\0 \\a \\v \\\\', 'newline, tab, … escape, NUL, bell'],
        ]),
        'Between % and its letter: - left, 0 zeros, least width, .greatest width, as in %-20.20t',
      ],
    ],
    ['Properties for -D', propertyHelp(PACKETS)],
  ],
};

/** Help and flags of `dunlin sub`. */
export const SUB_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin sub --help`. */
export function subHelp(): string {
  return helpText(HELP, GROUPS);
}

function newSubFlags(): SubFlags {
  return {
    ...newConnectionFlags(),
    filters: [],
    unsubscribe: [],
    filterOut: [],
    qos: 0,
    pretty: false,
    verbose: false,
    newline: true,
    skipRetained: false,
    retainedOnly: false,
    removeRetained: false,
    exitWhenSubscribed: false,
    noLocal: false,
    retainAsPublished: false,
    retainHandling: 0,
    randomFilter: 100,
    reconnects: true,
  };
}

/** Reads and checks the command line, with the saved profiles that the environment says. Throws a usage or local error. */
export function readSubFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): SubFlags {
  const flags = readClientFlags('dunlin sub', GROUPS, argv, newSubFlags, undefined, environment);
  if (flags.url?.topic !== undefined) flags.filters.push(flags.url.topic);
  if (flags.filters.length === 0 && flags.unsubscribe.length === 0) {
    throw usageError("Cannot subscribe without a filter: expected -t FILTER, such as -t '#'");
  }
  for (const filter of [...flags.filters, ...flags.unsubscribe, ...flags.filterOut]) checkFilter(filter);
  if (flags.will.topic !== undefined) checkTopic(flags.will.topic);
  if (flags.skipRetained && flags.retainedOnly) throw usageError('Cannot use -R and --retained-only together');
  checkOutput(flags);
  const needs5 = flags.noLocal || flags.retainAsPublished || flags.retainHandling !== 0;
  if (needs5 && versionOf(flags) !== 5) {
    throw usageError(
      'Cannot use --no-local, --retain-as-published or --retain-handling with an older version than -V 5',
    );
  }
  return flags;
}

function checkOutput({ output, ratesMs, format, pretty }: SubFlags): void {
  const given = [
    output === undefined ? '' : `--${output}`,
    ratesMs === undefined ? '' : '--rates',
    format === undefined ? '' : '-F',
  ];
  const [first, second] = given.filter(Boolean);
  if (second !== undefined) throw usageError(`Cannot use ${first} and ${second} together`);
  if (pretty && first !== undefined && first !== '-F') throw usageError(`Cannot use --pretty and ${first} together`);
  if (format !== undefined) compileFormat(format);
}

/** Refuses a bad filter before anything is connected. */
export function checkFilter(filter: string): void {
  try {
    assertTopicFilter(parseSharedFilter(filter)?.filter ?? filter);
  } catch (error) {
    throw usageError((error as Error).message);
  }
}
