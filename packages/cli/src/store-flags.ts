/** The flags of `dunlin store` and its help. */

import { CONTROL_FLAGS } from './control.ts';
import { usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, columns, type FlagGroup, helpText, readFlags } from './flags.ts';

/** What the command line of `dunlin store` asks for. */
export type StoreRequest = StoreFlags &
  (
    | { readonly action: 'stats' | 'check' }
    | { readonly action: 'backup' | 'restore' /** A directory of the user's. */; readonly place: string }
  );

interface StoreFlags {
  data?: string;
  config?: string;
  json: boolean;
  force: boolean;
}

interface Given extends StoreFlags {
  readonly words: string[];
}

interface Action {
  /** What follows it, as the help names it. */
  readonly place?: string;
  readonly summary: string;
}

/** Every action, in the order of the help. */
const ACTIONS: Readonly<Record<StoreRequest['action'], Action>> = {
  stats: { summary: 'how large it is, and what is free' },
  check: { summary: 'read everything, say what it holds and what is wrong' },
  backup: { place: 'TO', summary: 'copy it into a new or empty directory, while the server works on; check the copy' },
  restore: { place: 'FROM', summary: 'check a backup and put it into the data directory; no server may run' },
};

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Flags',
    flags: [
      ...CONTROL_FLAGS,
      {
        long: 'force',
        help: 'restore over a store, which is kept in the data directory as former-TIME',
        set: (flags) => {
          flags.force = true;
        },
      },
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin store',
  summary: 'looks at, checks, backs up and restores what a server keeps on disk',
  usage: Object.entries(ACTIONS).map(([name, { place }]) => `dunlin store ${named(name, place)} [flags]`),
  examples: [
    ['dunlin store stats', 'of the server that dunlin serve starts here'],
    ['dunlin store check -c dunlin.yaml', 'of a server with this configuration'],
    ['dunlin store backup /backup/mon', 'running or not'],
    ['dunlin store restore /backup/mon', 'into a directory without a store'],
  ],
  notes: [
    ['Actions', columns(Object.entries(ACTIONS).map(([name, { place, summary }]) => [named(name, place), summary]))],
    [
      'Whose it is',
      [
        'A running server is asked through the socket "control" in its data directory. Only its own user may:',
        'sudo -u USER dunlin store … where it is another one. A backup is written by the server, as its user.',
        'What no server has is opened by dunlin itself, and a server cannot start on it meanwhile.',
      ],
    ],
  ],
};

/** Help and flags of `dunlin store`. */
export const STORE_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin store --help`. */
export function storeHelp(): string {
  return helpText(HELP, GROUPS);
}

function named(name: string, place: string | undefined): string {
  return place === undefined ? name : `${name} ${place}`;
}

/** Reads and checks the command line. Throws a usage error. */
export function readStoreFlags(argv: readonly string[]): StoreRequest {
  const given: Given = { json: false, force: false, words: [] };
  readFlags('dunlin store', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const { words, ...flags } = given;
  const [action, place, ...rest] = words;
  if (action === undefined || !Object.hasOwn(ACTIONS, action)) throw unknownAction(action);
  const name = action as StoreRequest['action'];
  const loose = ACTIONS[name].place === undefined ? place : rest[0];
  if (loose !== undefined) throw usageError(`Cannot use "${loose}": expected nothing behind ${shown(name)} but flags`);
  if (flags.force && name !== 'restore') throw usageError(`Cannot use --force with ${name}: it is for restore`);
  if (name === 'stats' || name === 'check') return { ...flags, action: name };
  if (!place)
    throw usageError(`Cannot run ${name}: expected ${ACTIONS[name].place} behind it, see dunlin store --help`);
  return { ...flags, action: name, place };
}

function shown(name: StoreRequest['action']): string {
  return named(name, ACTIONS[name].place);
}

function unknownAction(action: string | undefined): Error {
  const known = Object.keys(ACTIONS).join(', ');
  if (action === undefined)
    return usageError(`Cannot run dunlin store alone: expected one of ${known}, see dunlin store --help`);
  return usageError(`Cannot run "${action}": expected one of ${known}, see dunlin store --help`);
}
