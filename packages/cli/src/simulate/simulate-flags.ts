/** The flags of `dunlin simulate` and its help. */

import {
  type ConnectionFlags,
  connectionFlagGroups,
  newConnectionFlags,
  readClientFlags,
} from '../connection-flags.ts';
import { usageError } from '../exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, secondsAsMs } from '../flags.ts';
import { type PropertyTarget, propertyHelp } from '../property-flags.ts';

/** What the command line of `dunlin simulate` says. */
export interface SimulateFlags extends ConnectionFlags {
  script?: string;
  speed: number;
  durationMs: number;
  seed?: string;
  checkOnly: boolean;
  keepsSessions: boolean;
  json: boolean;
}

const SPEED_MIN = 0.001;
const SPEED_MAX = 1000;
const DURATION_MS_MAX = 7 * 86_400_000;
const PACKETS: readonly PropertyTarget[] = ['connect'];

const RUN: FlagGroup<SimulateFlags> = {
  title: 'Simulation',
  flags: [
    {
      long: 'duration',
      values: ['SECONDS'],
      help: 'how long it runs, in real time (60)',
      set: (flags, [seconds]) => {
        flags.durationMs = secondsAsMs('duration', seconds, DURATION_MS_MAX);
      },
    },
    {
      long: 'speed',
      values: ['FACTOR'],
      help: 'simulated seconds in a real one (1); Keep Alive and sessions of the server stay real',
      set: (flags, [factor]) => {
        const speed = /^\d+(\.\d+)?$/.test(factor) ? Number(factor) : 0;
        if (speed < SPEED_MIN || speed > SPEED_MAX) {
          throw usageError(`Cannot use speed "${factor}": expected a number from ${SPEED_MIN} to ${SPEED_MAX}`);
        }
        flags.speed = speed;
      },
    },
    {
      long: 'seed',
      values: ['WORD'],
      help: 'another chance than that of the script; the same seed gives the same devices, times and values',
      set: (flags, [seed]) => {
        flags.seed = seed;
      },
    },
    {
      long: 'check',
      help: 'only say whether the script is right, and what it would do',
      set: (flags) => {
        flags.checkOnly = true;
      },
    },
    {
      long: 'keep-sessions',
      help: 'leave the sessions of the devices at the server; else they are ended with the simulation',
      set: (flags) => {
        flags.keepsSessions = true;
      },
    },
    {
      long: 'json',
      help: 'print one line of JSON at the end: times in microseconds, sizes in bytes',
      set: (flags) => {
        flags.json = true;
      },
    },
  ],
};

const GROUPS: readonly FlagGroup<SimulateFlags>[] = [RUN, ...connectionFlagGroups(PACKETS)];

const HELP: CommandHelp = {
  name: 'dunlin simulate',
  summary: 'lets devices of a script connect, publish, answer, sleep and lose their connections',
  usage: ['dunlin simulate SCRIPT [flags]'],
  examples: [
    ['dunlin simulate cameras.yaml', 'a minute of the fleets of a script, on the server of this machine'],
    ['dunlin simulate cameras.yaml --speed 60 --duration 3600', 'two and a half days in an hour'],
    ['dunlin simulate cameras.yaml --check', 'tells every fault with its line'],
    ['dunlin simulate cameras.yaml -L mqtts://host --cafile ca.pem', 'another server'],
  ],
  notes: [
    [
      'A script',
      [
        'fleets:',
        '  rooms:',
        '    count: 10',
        '    publish:',
        '      - topic: rooms/{i}/climate',
        '        every: 10s',
        '        jitter: 2s',
        '        qos: 1',
        '        payload: {at: {$timestamp: iso}, celsius: {$walk: {from: 15, to: 30, step: 0.5}}}',
        '',
        'docs/guide/command-line.md has all keys and generators; examples/simulate has fleets of cameras and players.',
      ],
    ],
    ['Properties for -D', propertyHelp(PACKETS)],
  ],
};

/** Help and flags of `dunlin simulate`. */
export const SIMULATE_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin simulate --help`. */
export function simulateHelp(): string {
  return helpText(HELP, GROUPS);
}

function newSimulateFlags(): SimulateFlags {
  return { ...newConnectionFlags(), speed: 1, durationMs: 60_000, checkOnly: false, keepsSessions: false, json: false };
}

/** Reads and checks the command line. Throws a usage error. */
export function readSimulateFlags(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): SimulateFlags & Required<Pick<SimulateFlags, 'script'>> {
  const setScript = (target: SimulateFlags, word: string): void => {
    if (target.script !== undefined) throw usageError(`Cannot simulate "${word}" too: expected one script`);
    target.script = word;
  };
  const flags = readClientFlags('dunlin simulate', GROUPS, argv, newSimulateFlags, setScript, environment);
  const { script, clientId, idPrefix } = flags;
  if (script === undefined) throw usageError('Cannot simulate without a script: expected the name of a YAML file');
  if (clientId !== undefined || idPrefix !== undefined) {
    throw usageError('Cannot use -i and -I: the script names its devices, see clientId');
  }
  return { ...flags, script };
}
