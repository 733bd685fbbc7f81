/** The flags of `dunlin probe` and its help. */

import { assertTopicName } from '@dunlin/protocol';
import { type ConnectionFlags, newConnectionFlags, readClientFlags } from './connection-flags.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, secondsAsMs, wholeNumber } from './flags.ts';
import type { Terminal } from './terminal.ts';
import { visitorFlagGroups } from './visitor-flags.ts';

/** What the command line of `dunlin probe` says. */
export interface ProbeFlags extends ConnectionFlags {
  json: boolean;
  prefix?: string;
  timeoutMs: number;
  /** Bytes. */
  payloadMax: number;
}

const TIMEOUT_MS = 10_000;
const TIMEOUT_MS_MIN = 100;
const PAYLOAD_MAX = 1024 * 1024;
const PAYLOAD_MIN = 64;
const PAYLOAD_LIMIT = 256 * 1024 * 1024 - 1024;

const PROBE: FlagGroup<ProbeFlags> = {
  title: 'Probe',
  flags: [
    {
      long: 'json',
      help: 'one JSON object in place of the table',
      set: (flags) => {
        flags.json = true;
      },
    },
    {
      long: 'prefix',
      values: ['TOPIC'],
      help: 'stay below this topic, in a level made up by chance (dunlin-probe)',
      set: (flags, [topic]) => {
        flags.prefix = topic;
      },
    },
    {
      long: 'timeout',
      values: ['SECONDS'],
      help: 'how long one check may take (10); some wait 8 s for something that should not happen',
      set: (flags, [seconds]) => {
        flags.timeoutMs = secondsAsMs('time-out', seconds);
        if (flags.timeoutMs < TIMEOUT_MS_MIN)
          throw usageError(`Cannot use a time-out of ${seconds} s: expected at least ${TIMEOUT_MS_MIN / 1000}`);
      },
    },
    {
      long: 'payload-max',
      values: ['BYTES'],
      help: 'the largest payload to try (1048576)',
      set: (flags, [bytes]) => {
        flags.payloadMax = wholeNumber('payload', bytes, PAYLOAD_MIN, PAYLOAD_LIMIT);
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<ProbeFlags>[] = [PROBE, ...visitorFlagGroups()];

const HELP: CommandHelp = {
  name: 'dunlin probe',
  summary: 'finds out what an MQTT server can do, and whether that is what it says',
  usage: ['dunlin probe [flags]'],
  examples: [
    ['dunlin probe', 'the server on this machine'],
    ['dunlin probe -h broker.example.org -u ada -P secret', 'another one'],
    ['dunlin probe -V 311', 'as a client of MQTT 3.1.1 finds it'],
    ['dunlin probe --json', 'for programs'],
  ],
  notes: [
    [
      'What is printed',
      [
        'stated  what CONNACK says, or the standard where CONNACK says nothing; MQTT 5.0',
        'tried   what came of trying: yes, no or how much; - could not be told, see the note',
        'It connects up to a dozen times at once, and stays below a topic of its own, but for reading $SYS. It',
        'clears what it leaves: retained messages and sessions. One CONNECT asks for SCRAM, one more is a mistake',
        'on purpose; a server may log both. -i and -I say how its Client Identifiers begin.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin probe`. */
export const PROBE_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin probe --help`. */
export function probeHelp(): string {
  return helpText(HELP, GROUPS);
}

function newProbeFlags(): ProbeFlags {
  return { ...newConnectionFlags(), json: false, timeoutMs: TIMEOUT_MS, payloadMax: PAYLOAD_MAX };
}

/** Reads and checks the command line. Throws a usage error. */
export function readProbeFlags(argv: readonly string[], environment?: Terminal['environment']): ProbeFlags {
  const flags = readClientFlags('dunlin probe', GROUPS, argv, newProbeFlags, undefined, environment);
  if (flags.prefix !== undefined) checkPrefix(flags.prefix);
  return flags;
}

function checkPrefix(prefix: string): void {
  try {
    assertTopicName(prefix);
  } catch (error) {
    throw usageError((error as Error).message);
  }
  if (prefix.startsWith('$')) throw usageError(`Cannot probe below "${prefix}": topics with $ are the server's`);
}
