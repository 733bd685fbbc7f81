/** The flags of `dunlin top` and its help. */

import { type ConnectionFlags, newConnectionFlags, readClientFlags } from './connection-flags.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, secondsAsMs, wholeNumber } from './flags.ts';
import { checkFilter } from './sub-flags.ts';
import type { Terminal } from './terminal.ts';
import { TOP_SORTS, type TopSort } from './top-view.ts';
import { visitorFlagGroups } from './visitor-flags.ts';

/** What the command line of `dunlin top` says. */
export interface TopFlags extends ConnectionFlags {
  filters: string[];
  /** Levels of a topic that are told apart; undefined: all. */
  depth?: number;
  sort: TopSort;
  /** Of lines. */
  intervalMs: number;
  /** Lines to print; undefined: no end. */
  count?: number;
}

const INTERVAL_MS = 1000;
const INTERVAL_MS_MIN = 100;
const COUNT_MAX = 0xffff_ffff;
const DEPTH_MAX = 200;

const TOP: FlagGroup<TopFlags> = {
  title: 'Top',
  flags: [
    {
      short: 't',
      long: 'topic',
      values: ['FILTER'],
      help: 'count the messages on these topics too; may be given several times',
      set: (flags, [filter]) => void flags.filters.push(filter),
    },
    {
      long: 'depth',
      values: ['LEVELS'],
      help: 'add up topics which begin with the same so many levels',
      set: (flags, [levels]) => {
        flags.depth = wholeNumber('depth', levels, 1, DEPTH_MAX);
      },
    },
    {
      long: 'sort',
      values: [TOP_SORTS.join('|')],
      help: 'what the topics are sorted by at first (rate)',
      set: (flags, [sort]) => {
        const known = TOP_SORTS.find((one) => one === sort);
        if (known === undefined) throw usageError(`Cannot sort by "${sort}": expected one of ${TOP_SORTS.join(', ')}`);
        flags.sort = known;
      },
    },
    {
      long: 'interval',
      values: ['SECONDS'],
      help: 'time between two lines where the output is no terminal (1)',
      set: (flags, [seconds]) => {
        flags.intervalMs = secondsAsMs('interval', seconds);
        if (flags.intervalMs < INTERVAL_MS_MIN)
          throw usageError(`Cannot use an interval of ${seconds} s: expected at least ${INTERVAL_MS_MIN / 1000}`);
      },
    },
    {
      short: 'C',
      values: ['COUNT'],
      help: 'end after so many intervals',
      set: (flags, [count]) => {
        flags.count = wholeNumber('count', count, 1, COUNT_MAX);
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<TopFlags>[] = [TOP, ...visitorFlagGroups()];

const HELP: CommandHelp = {
  name: 'dunlin top',
  summary: 'shows what goes on at an MQTT server, live',
  usage: ['dunlin top [-t FILTER] [flags]'],
  examples: [
    ['dunlin top', 'what the server on this machine says of itself'],
    ["dunlin top -t '#' --depth 1", 'and how many messages come on topics, by their first level'],
    ['dunlin top -C 60 > minute.txt', 'a line a second, for a minute'],
    ['dunlin top --interval 10 -C 6 > minute.txt', 'the same minute, with the numbers of the server once each'],
  ],
  notes: [
    [
      'What is shown',
      [
        'Numbers of the server are those of $SYS/broker/, which Dunlin and Mosquitto publish every 10 s; rates are',
        'between the last two times. A dash: the server has not said it. Rates of topics are counted here, over the',
        'last 10 s. At most 10000 topics are told apart.',
        'On a terminal q ends, s sorts otherwise and p pauses; else there is a line for each interval, which repeats the',
        'numbers of the server until it says new ones: --interval 10 has each once.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin top`. */
export const TOP_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin top --help`. */
export function topHelp(): string {
  return helpText(HELP, GROUPS);
}

function newTopFlags(): TopFlags {
  return { ...newConnectionFlags(), filters: [], sort: 'rate', intervalMs: INTERVAL_MS };
}

/** Reads and checks the command line. Throws a usage error. */
export function readTopFlags(argv: readonly string[], environment?: Terminal['environment']): TopFlags {
  const flags = readClientFlags('dunlin top', GROUPS, argv, newTopFlags, undefined, environment);
  if (flags.url?.topic !== undefined) flags.filters.push(flags.url.topic);
  for (const filter of flags.filters) checkFilter(filter);
  return flags;
}
