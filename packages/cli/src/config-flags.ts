/** The flags of `dunlin config` and its help. */

import { usageError } from './exit-codes.ts';
import {
  type CommandHelp,
  type CommandPage,
  columns,
  type FlagGroup,
  HelpAsked,
  helpText,
  readFlags,
} from './flags.ts';

/** What the command line of `dunlin config` asks for. */
export type ConfigRequest =
  | { readonly action: 'check'; readonly file: string }
  | { readonly action: 'show'; readonly file: string | undefined }
  /** `output` undefined: standard output. */
  | { readonly action: 'import'; readonly file: string; readonly output: string | undefined };

interface Given {
  config?: string;
  output?: string;
  readonly words: string[];
}

interface Action {
  /** What follows it, as the help names it. */
  readonly place?: string;
  readonly summary: string;
}

/** Every action, in the order of the help. */
const ACTIONS: Readonly<Record<ConfigRequest['action'], Action>> = {
  check: { place: 'FILE', summary: 'say what is wrong with a configuration file and with the files that it names' },
  show: { summary: 'print what dunlin serve would take, defaults included, without secrets' },
  import: { place: 'MOSQUITTO_CONF', summary: 'convert a mosquitto.conf, and list what could not be carried' },
};

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Flags',
    flags: [
      {
        short: 'c',
        long: 'config',
        values: ['FILE'],
        help: 'show: the configuration file (as dunlin serve takes it, also from DUNLIN_CONFIG)',
        set: (flags, [file]) => {
          flags.config = file;
        },
      },
      {
        short: 'o',
        long: 'output',
        values: ['FILE'],
        help: 'import: the file to write, which must be new; else it is printed',
        set: (flags, [file]) => {
          flags.output = file;
        },
      },
      {
        long: 'help',
        help: 'show this help',
        set: () => {
          throw new HelpAsked();
        },
      },
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin config',
  summary: 'checks, shows and converts configurations of a server',
  usage: Object.entries(ACTIONS).map(([name, { place }]) => `dunlin config ${named(name, place)} [flags]`),
  examples: [
    ['dunlin config check dunlin.yaml', 'before a restart'],
    ['dunlin config show -c dunlin.yaml', 'what is in force'],
    ['dunlin config import m.conf', 'look at what it becomes'],
    ['dunlin config import m.conf -o d.yaml', 'and keep it'],
  ],
  notes: [
    ['Actions', columns(Object.entries(ACTIONS).map(([name, { place, summary }]) => [named(name, place), summary]))],
    [
      'What import tells',
      [
        'On standard error, a line each: what is not carried and what to do instead, and notes of what is different.',
        'The file is written all the same; the exit code is 4 when something is not carried.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin config`. */
export const CONFIG_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin config --help`. */
export function configHelp(): string {
  return helpText(HELP, GROUPS);
}

function named(name: string, place: string | undefined): string {
  return place === undefined ? name : `${name} ${place}`;
}

/** Reads and checks the command line. Throws a usage error. */
export function readConfigFlags(argv: readonly string[]): ConfigRequest {
  const given: Given = { words: [] };
  readFlags('dunlin config', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const { words, config, output } = given;
  const [action, file, ...rest] = words;
  if (action === undefined || !Object.hasOwn(ACTIONS, action)) throw unknownAction(action);
  const name = action as ConfigRequest['action'];
  const loose = name === 'show' ? file : rest[0];
  if (loose !== undefined)
    throw usageError(`Cannot use "${loose}": expected nothing behind ${named(name, ACTIONS[name].place)} but flags`);
  if (config !== undefined && name !== 'show') throw usageError(`Cannot use --config with ${name}: it is for show`);
  if (output !== undefined && name !== 'import') throw usageError(`Cannot use --output with ${name}: it is for import`);
  if (name === 'show') return { action: name, file: config };
  if (!file)
    throw usageError(`Cannot run ${name}: expected ${ACTIONS[name].place} behind it, see dunlin config --help`);
  return name === 'check' ? { action: name, file } : { action: name, file, output };
}

function unknownAction(action: string | undefined): Error {
  const known = Object.keys(ACTIONS).join(', ');
  const what = action === undefined ? 'dunlin config alone' : `"${action}"`;
  return usageError(`Cannot run ${what}: expected one of ${known}, see dunlin config --help`);
}
