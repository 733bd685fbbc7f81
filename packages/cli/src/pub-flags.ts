/** The flags of `dunlin pub` and its help. */

import { assertTopicName, type QoS } from '@dunlin/protocol';
import {
  type ConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readClientFlags,
  readQos,
} from './connection-flags.ts';
import { usageError } from './exit-codes.ts';
import {
  type CommandHelp,
  type CommandPage,
  type Flag,
  type FlagGroup,
  helpText,
  readFlags,
  secondsAsMs,
  wholeNumber,
} from './flags.ts';
import { type PropertyTarget, propertyHelp } from './property-flags.ts';

/** Where the payload comes from. */
export type PayloadSource =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'lines' }
  | { readonly kind: 'empty' };

/** What a command with one payload is told. */
export interface PayloadFlags {
  source?: PayloadSource;
}

/** What the command line of `dunlin pub` says. */
export interface PubFlags extends ConnectionFlags, PayloadFlags {
  topic?: string;
  qos: QoS;
  retain: boolean;
  repeat: number;
  repeatDelayMs: number;
  /** Publishes of `-l` at once; more lines are read when one of them is through. */
  underWayMax: number;
  /** Refuse what is no JSON. */
  json: boolean;
}

const PACKETS: readonly PropertyTarget[] = ['connect', 'publish', 'disconnect', 'will'];
const REPEAT_MAX = 0xffff_ffff;
const UNDER_WAY_MAX = 1000;

/** Remembers the source, of which there is one. */
function setSource(flags: PayloadFlags, source: PayloadSource): void {
  if (flags.source !== undefined) throw usageError('Cannot use more than one of -m, -f, -s, -l and -n');
  flags.source = source;
}

/** Where the one payload of a command comes from. */
export const PAYLOAD_FLAGS: readonly Flag<PayloadFlags>[] = [
  {
    short: 'm',
    long: 'message',
    values: ['TEXT'],
    help: 'the payload',
    set: (flags, [text]) => setSource(flags, { kind: 'text', text }),
  },
  {
    short: 'f',
    long: 'file',
    values: ['FILE'],
    help: 'the payload is what the file holds',
    set: (flags, [path]) => setSource(flags, { kind: 'file', path }),
  },
  {
    short: 's',
    long: 'stdin-file',
    help: 'the payload is all of standard input',
    set: (flags) => setSource(flags, { kind: 'stdin' }),
  },
  {
    short: 'n',
    long: 'null-message',
    help: 'an empty payload',
    set: (flags) => setSource(flags, { kind: 'empty' }),
  },
];

const MESSAGE: FlagGroup<PubFlags> = {
  title: 'Message',
  flags: [
    {
      short: 't',
      long: 'topic',
      values: ['TOPIC'],
      help: 'topic to publish to',
      set: (flags, [topic]) => {
        if (flags.topic !== undefined) throw usageError('Cannot publish to more than one topic: expected one -t');
        flags.topic = topic;
      },
    },
    ...PAYLOAD_FLAGS,
    {
      short: 'l',
      long: 'stdin-line',
      help: 'each line of standard input is a message',
      set: (flags) => setSource(flags, { kind: 'lines' }),
    },
    {
      short: 'q',
      long: 'qos',
      values: ['QOS'],
      help: '0, 1 or 2 (0)',
      set: (flags, [qos]) => {
        flags.qos = readQos(qos);
      },
    },
    {
      short: 'r',
      long: 'retain',
      help: 'the server keeps it for later subscribers; with -n it clears what was kept',
      set: (flags) => {
        flags.retain = true;
      },
    },
    {
      short: 'M',
      values: ['COUNT'],
      help: 'with -l: messages of QoS 1 and 2 sent before the first is acknowledged (1000)',
      set: (flags, [count]) => {
        flags.underWayMax = wholeNumber('count of messages under way', count, 1, 65_535);
      },
    },
    {
      long: 'json',
      help: 'publish only what is JSON; else end with 3, with -l after the other lines',
      set: (flags) => {
        flags.json = true;
      },
    },
    {
      long: 'repeat',
      values: ['COUNT'],
      help: 'publish it so many times (1); with -m, -f, -s and -n',
      set: (flags, [count]) => {
        flags.repeat = wholeNumber('repeat count', count, 1, REPEAT_MAX);
      },
    },
    {
      long: 'repeat-delay',
      values: ['SECONDS'],
      help: 'wait so long between two of them (0)',
      set: (flags, [seconds]) => {
        flags.repeatDelayMs = secondsAsMs('repeat delay', seconds);
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<PubFlags>[] = [MESSAGE, ...connectionFlagGroups(PACKETS)];

const HELP: CommandHelp = {
  name: 'dunlin pub',
  summary: 'publishes messages to an MQTT server and exits',
  usage: ['dunlin pub -t TOPIC (-m TEXT | -f FILE | -s | -l | -n) [flags]'],
  examples: [
    ["dunlin pub -t room/temperature -m '22.5'", 'one message to the server on this machine'],
    ['dunlin pub -t room/lamp -m on -r -q 1', 'retained, acknowledged by the server'],
    ['dunlin pub -t room/lamp -n -r', 'clears what is retained'],
    ['tail -f app.log | dunlin pub -t logs/app -l', 'a message for each line'],
    ["dunlin pub -t a -m '{}' -D PUBLISH content-type application/json", 'with an MQTT 5.0 property'],
    ['dunlin pub -L mqtt://user:secret@host:1883/a -m hello', 'server, credentials and topic as a URL'],
  ],
  notes: [['Properties for -D', propertyHelp(PACKETS)]],
};

/** Help and flags of `dunlin pub`. */
export const PUB_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin pub --help`. */
export function pubHelp(): string {
  return helpText(HELP, GROUPS);
}

function newPubFlags(): PubFlags {
  return {
    ...newConnectionFlags(),
    qos: 0,
    retain: false,
    repeat: 1,
    repeatDelayMs: 0,
    underWayMax: UNDER_WAY_MAX,
    json: false,
  };
}

/** Reads and checks the command line, with the saved profiles that the environment says. Throws a usage or local error. */
export function readPubFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): PubFlags & Required<Pick<PubFlags, 'topic' | 'source'>> {
  const flags = readClientFlags('dunlin pub', GROUPS, argv, newPubFlags, undefined, environment);
  checkOneTopic(argv);
  const topic = flags.topic ?? flags.url?.topic;
  const { source } = flags;
  if (topic === undefined) throw usageError('Cannot publish without a topic: expected -t TOPIC');
  if (source === undefined) throw usageError('Cannot publish without a payload: expected one of -m, -f, -s, -l and -n');
  checkTopic(topic);
  if (flags.will.topic !== undefined) checkTopic(flags.will.topic);
  if (source.kind === 'lines' && flags.repeat > 1) throw usageError('Cannot use --repeat with -l');
  return { ...flags, topic, source };
}

/** The command line names one topic; that of a saved URL may be another. */
function checkOneTopic(argv: readonly string[]): void {
  const given = newPubFlags();
  readFlags('dunlin pub', GROUPS, argv, given);
  if (given.topic === undefined || given.url?.topic === undefined) return;
  throw usageError('Cannot publish to more than one topic: expected one of -t and the topic of the URL');
}

/** Refuses a bad topic before anything is connected. */
export function checkTopic(topic: string): void {
  try {
    assertTopicName(topic);
  } catch (error) {
    throw usageError((error as Error).message);
  }
}
