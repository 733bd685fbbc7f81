/** `dunlin bans`: who a running server keeps out for now, keeping out more, and letting them in again. */

import { isIP } from 'node:net';

import { quoted, visible } from '@dunlin/protocol';
import { askRunning, CONTROL_FLAGS, CONTROL_NOTE, type ControlFlags } from './control.ts';
import { seconds } from './durations.ts';
import { ExitCode, usageError } from './exit-codes.ts';
import { type CommandHelp, type CommandPage, columns, type FlagGroup, helpText, readFlags } from './flags.ts';
import type { Terminal } from './terminal.ts';

type Ban = import('@dunlin/server').DoorBan;
type Party = import('@dunlin/server').BannedParty;
type Addition = import('@dunlin/server').GivenBan;

/** What the command line asks for. */
type Request =
  | { readonly action: 'list' }
  | { readonly action: 'add'; readonly ban: Addition }
  | { readonly action: 'lift'; readonly party: Party };

interface Given extends ControlFlags {
  banS?: number;
  clientId?: string;
  identity?: string;
  readonly words: string[];
}

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Flags',
    flags: [
      {
        short: 'i',
        long: 'client',
        values: ['ID'],
        help: 'lift: a client that connected too often, instead of an address',
        set: (given, [id]) => {
          given.clientId = id;
        },
      },
      {
        long: 'identity',
        values: ['IDENTITY'],
        help: 'lift: only the client of this identity, as the list has it',
        set: (given, [identity]) => {
          given.identity = identity;
        },
      },
      {
        long: 'for',
        values: ['TIME'],
        help: 'add: how long, such as 90s, 15min, 1h or 7d (without it as guard.banS says)',
        set: (given, [time]) => {
          given.banS = seconds('--for', time, '1s', '30d');
        },
      },
      ...CONTROL_FLAGS,
    ],
  },
];

const HELP: CommandHelp = {
  name: 'dunlin bans',
  summary: 'lists who a running server keeps out for now, keeps out more, and lets them in again',
  usage: [
    'dunlin bans [list] [flags]',
    'dunlin bans add ADDRESS [USER] [--for TIME] [flags]',
    'dunlin bans lift ADDRESS [USER] [flags]',
    'dunlin bans lift --client ID [--identity IDENTITY] [flags]',
  ],
  examples: [
    ['dunlin bans', 'addresses, users at addresses and clients'],
    ['dunlin bans add 192.0.2.7 --for 1h', 'whoever comes from there, for an hour; who is connected stays'],
    ['dunlin bans lift 192.0.2.7', 'whoever comes from there'],
    ['dunlin bans lift 192.0.2.7 ada', 'this user name at this address'],
  ],
  notes: [CONTROL_NOTE],
};

/** Help and flags of `dunlin bans`. */
export const BANS_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin bans --help`. */
export function bansHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function bans(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given: Given = { json: false, words: [] };
  readFlags('dunlin bans', GROUPS, argv, given, ({ words }, word) => words.push(word));
  const request = requestOf(given);
  const print = (result: unknown, text: string): void => {
    terminal.output.write(given.json ? `${JSON.stringify(result)}\n` : text);
  };
  if (request.action === 'list') {
    const list = await askRunning(given, { command: 'bans' });
    print(list, bansText(list));
    return ExitCode.done;
  }
  if (request.action === 'add') {
    print(await askRunning<'ban'>(given, { command: 'ban', ...request.ban }), 'The ban is in force.\n');
    return ExitCode.done;
  }
  const { party } = request;
  const result = await askRunning<'lift-ban'>(given, { command: 'lift-ban', ...party });
  if (result.lifted) {
    print(result, 'The ban is lifted.\n');
    return ExitCode.done;
  }
  const { shellWord } = await import('@dunlin/server');
  const list = given.json ? [] : await askRunning<'bans'>(given, { command: 'bans' });
  print(result, notLiftedText(party, list, shellWord));
  return ExitCode.problems;
}

function requestOf({ words, clientId, identity, banS }: Given): Request {
  const [action = 'list', address, username, ...rest] = words;
  if (action !== 'list' && action !== 'add' && action !== 'lift')
    throw usageError(`Cannot run "${action}": expected list, add or lift, see dunlin bans --help`);
  if (banS !== undefined && action !== 'add') throw usageError('Cannot use --for: expected add before it');
  if (action === 'list') {
    if (address === undefined && clientId === undefined && identity === undefined) return { action };
    throw usageError('Cannot run list: expected nothing behind it but --data, --config and --json');
  }
  if (rest.length > 0) throw usageError(`Cannot use "${rest[0]}": expected ADDRESS and USER behind ${action}`);
  const banned =
    address === undefined ? undefined : { address: addressOf(address), ...(username !== undefined && { username }) };
  if (action === 'lift') return { action, party: partyOf(banned, clientId, identity) };
  if (banned === undefined || clientId !== undefined || identity !== undefined)
    throw usageError('Cannot run add: expected ADDRESS, or ADDRESS and USER, see dunlin bans --help');
  return { action, ban: { ...banned, ...(banS !== undefined && { banS }) } };
}

/** Whose ban is to be lifted. */
function partyOf(
  banned: { readonly address: string; readonly username?: string } | undefined,
  clientId: string | undefined,
  identity: string | undefined,
): Party {
  if ((banned === undefined) === (clientId === undefined))
    throw usageError('Cannot run lift: expected ADDRESS, ADDRESS and USER, or --client ID, see dunlin bans --help');
  if (clientId !== undefined) return identity === undefined ? { clientId } : { clientId, identity };
  if (identity !== undefined) throw usageError('Cannot use --identity: expected --client ID beside it');
  return banned as { readonly address: string };
}

/** An address, or a /64 as the list has it. */
function addressOf(text: string): string {
  if (isIP(text.replace(/\/64$/, '')) !== 0) return text;
  throw usageError(`Cannot use ${quoted(text)}: expected an IP address, such as 192.0.2.7 or 2001:db8::7`);
}

/** Where an address was named of which only users are kept out, it says which and how to let them in. */
function notLiftedText(party: Party, list: readonly Ban[], word: (text: string) => string): string {
  if ('clientId' in party || party.username !== undefined) return 'There is no such ban.\n';
  const { address } = party;
  const usernames = new Set(list.flatMap((ban) => (ban.address === address ? (ban.username ?? []) : [])));
  if (usernames.size === 0) return 'There is no such ban.\n';
  const lines = Array.from(
    usernames,
    (name) => `  user ${JSON.stringify(name)} is kept out there: dunlin bans lift ${address} ${word(name)}`,
  );
  return `${['No ban of the address itself:', ...lines].map((line) => visible(line)).join('\n')}\n`;
}

function bansText(list: readonly Ban[]): string {
  if (list.length === 0) return 'Nobody is kept out.\n';
  const rows = list.map(({ listener, address, username, clientId, identity, endsInMs }): [string, string] => {
    const whose = identity === undefined ? '' : ` of ${JSON.stringify(identity)}`;
    const who = address ?? `client ${JSON.stringify(clientId)}${whose}`;
    const whom = username === undefined ? who : `${who}, user ${JSON.stringify(username)}`;
    return [
      visible(whom),
      visible(`${listener === undefined ? 'by hand' : `began at ${listener}`}, ${Math.ceil(endsInMs / 1_000)} s to go`),
    ];
  });
  return `${columns(rows).join('\n')}\n`;
}
