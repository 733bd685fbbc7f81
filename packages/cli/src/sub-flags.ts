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
import { type CommandHelp, columns, type FlagGroup, helpText, secondsAsMs, wholeNumber } from './flags.ts';
import { compileFormat, type MessageFormat, PARAMETERS } from './message-format.ts';
import { type PropertyTarget, propertyHelp } from './property-flags.ts';
import { checkTopic } from './pub-flags.ts';
import { visible } from './visible.ts';

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
}

const PACKETS: readonly PropertyTarget[] = ['connect', 'subscribe', 'unsubscribe', 'disconnect', 'will'];
const COUNT_MAX = 0xffff_ffff;

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
      help: 'JSON of %j and %J in several lines',
      set: (flags) => {
        flags.pretty = true;
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
    ["dunlin sub -t '#' -F %j", 'one JSON object a line'],
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
  };
}

/** Reads and checks the command line. Throws a usage error. */
export function readSubFlags(argv: readonly string[]): SubFlags {
  const flags = readClientFlags('dunlin sub', GROUPS, argv, newSubFlags);
  if (flags.url?.topic !== undefined) flags.filters.push(flags.url.topic);
  if (flags.filters.length === 0 && flags.unsubscribe.length === 0) {
    throw usageError("Cannot subscribe without a filter: expected -t FILTER, such as -t '#'");
  }
  for (const filter of [...flags.filters, ...flags.unsubscribe, ...flags.filterOut]) checkFilter(filter);
  if (flags.will.topic !== undefined) checkTopic(flags.will.topic);
  if (flags.skipRetained && flags.retainedOnly) throw usageError('Cannot use -R and --retained-only together');
  const needs5 = flags.noLocal || flags.retainAsPublished || flags.retainHandling !== 0;
  if (needs5 && versionOf(flags) !== 5) {
    throw usageError(
      'Cannot use --no-local, --retain-as-published or --retain-handling with an older version than -V 5',
    );
  }
  return flags;
}

/** How each message is printed, on a terminal or for a program. Throws a usage error for a bad format. */
export function formatOf(flags: SubFlags, isTerminal = false): MessageFormat {
  const format = compileFormat(flags.format ?? '%p', { pretty: flags.pretty, isTerminal });
  const newline = Buffer.from(flags.newline ? '\n' : '');
  if (flags.format !== undefined) return (message, moment) => Buffer.concat([format(message, moment), newline]);
  if (!flags.verbose) {
    // An empty payload prints nothing, so that what is printed can be counted in lines of content.
    return ({ payload }) => (payload.length === 0 ? Buffer.alloc(0) : Buffer.concat([payload, newline]));
  }
  return ({ topic, payload }) =>
    Buffer.concat([
      Buffer.from(`${isTerminal ? visible(topic) : topic} `),
      payload.length === 0 ? Buffer.from('(null)') : payload,
      newline,
    ]);
}

export function checkFilter(filter: string): void {
  try {
    assertTopicFilter(parseSharedFilter(filter)?.filter ?? filter);
  } catch (error) {
    throw usageError((error as Error).message);
  }
}
