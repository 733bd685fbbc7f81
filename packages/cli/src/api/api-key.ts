/** `dunlin api-key`: keys of the HTTP API, made where the server runs and given to whoever asks it from elsewhere. */

import { seconds, shownMoment } from '../durations.ts';
import { usageError } from '../exit-codes.ts';
import { type CommandHelp, type CommandPage, type FlagGroup, helpText, readFlags } from '../flags.ts';
import { type Outcome, printOutcome } from '../outcome.ts';
import { secretLine } from '../secrets.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../text-table.ts';
import type { Api } from './api.ts';
import { API_FLAGS, API_NOTE, type ApiFlags } from './api-flags.ts';
import { openApi } from './api-ways.ts';

interface KeyAnswer {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs?: number;
  readonly lastUsedAtMs?: number;
}

interface Given extends ApiFlags {
  readonly words: string[];
  readonly scopes: string[];
  expiresInS?: number;
}

const GROUPS: readonly FlagGroup<Given>[] = [
  {
    title: 'Keys',
    flags: [
      {
        long: 'scope',
        values: ['SCOPE'],
        help: 'add: what it may do, such as devices:read; several times for several',
        set: ({ scopes }, [scope]) => {
          scopes.push(scope);
        },
      },
      {
        long: 'expires',
        values: ['TIME'],
        help: 'add: how long it counts, such as 90d (for good)',
        set: (given, [time]) => {
          given.expiresInS = seconds('--expires', time, '60s', '3650d');
        },
      },
    ],
  },
  { title: 'The server', flags: API_FLAGS },
];

const HELP: CommandHelp = {
  name: 'dunlin api-key',
  summary: 'keys of the HTTP API: makes, lists and removes them',
  usage: [
    'dunlin api-key [list] [flags]',
    'dunlin api-key add NAME --scope SCOPE [flags]',
    'dunlin api-key remove ID [flags]',
    'dunlin api-key hash <KEY_FILE',
  ],
  examples: [
    ['dunlin api-key add shop --scope devices:read --scope commands:write > shop.key', 'shown this once'],
    ['dunlin device list --url https://mqtt.example:8443 --api-key-file shop.key', 'uses it'],
    ['openssl rand -hex 32 | tee shop.key | dunlin api-key hash', 'the hash for api.keys of a configuration'],
    ['dunlin api-key', 'which there are, what they may do, when they were last used'],
  ],
  notes: [
    [
      'hash',
      [
        'prints what `api.keys[].sha256` of a configuration says of a key: 32 to 256 visible ASCII characters on the first',
        'line of the input, or typed unseen. It asks no server. A key is no argument: everybody on the machine reads those.',
      ],
    ],
    API_NOTE,
  ],
};

/** Help and flags of `dunlin api-key`. */
export const API_KEY_PAGE: CommandPage = { help: HELP, groups: GROUPS };

/** The text of `dunlin api-key --help`. */
export function apiKeyHelp(): string {
  return helpText(HELP, GROUPS);
}

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function apiKey(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given: Given = { json: false, plainHttp: false, words: [], scopes: [] };
  readFlags('dunlin api-key', GROUPS, argv, given, ({ words }, word) => void words.push(word));
  if (given.words[0] === 'hash') return printHash(given, terminal);
  const perform = await actionOf(given);
  const api = await openApi(given, terminal);
  try {
    return await printOutcome(await perform(api, Date.now()), given.json, terminal);
  } finally {
    await api.close();
  }
}

/** Of a key that somebody has; the server keeps no more of it. */
async function printHash(given: Given, terminal: Terminal): Promise<number> {
  // What is too much may be the key, so it is not repeated.
  if (given.words.length > 1)
    throw usageError('Cannot hash a key: nothing is expected behind hash; the key comes by the input');
  if (given.scopes.length > 0 || given.expiresInS !== undefined)
    throw usageError('Cannot use --scope or --expires: expected add before it');
  const { apiKeyHash } = await import('@dunlin/server');
  const hash = apiKeyHash(await secretLine(terminal, 'API key: '));
  if (hash === undefined)
    throw usageError('Cannot hash the key: a line of 32 to 256 visible ASCII characters is expected in the input');
  return printOutcome({ json: { sha256: hash }, lines: [hash] }, given.json, terminal);
}

async function actionOf(given: Given): Promise<(api: Api, nowMs: number) => Promise<Outcome>> {
  const { words, scopes, expiresInS } = given;
  const [action = 'list', what, ...rest] = words;
  if (action !== 'list' && action !== 'add' && action !== 'remove')
    throw usageError(`Cannot run "${action}": expected list, add, remove or hash, see dunlin api-key --help`);
  const loose = action === 'list' ? what : rest[0];
  if (loose !== undefined) throw usageError(`Cannot use "${loose}": nothing more is expected behind ${action}`);
  if (action !== 'add' && (scopes.length > 0 || expiresInS !== undefined))
    throw usageError('Cannot use --scope or --expires: expected add before it');
  if (action === 'list') return listKeys;
  if (!what) throw usageError(`Cannot ${action} a key: expected ${action === 'add' ? 'NAME' : 'ID'} behind ${action}`);
  if (action === 'remove') return (api) => removeKey(api, what);
  const { API_SCOPES } = await import('@dunlin/server');
  const unknown = scopes.find((scope) => !Object.hasOwn(API_SCOPES, scope));
  if (scopes.length === 0 || unknown !== undefined) {
    const found = unknown === undefined ? 'without --scope' : `with --scope "${unknown}"`;
    const known = Object.entries(API_SCOPES).map(([scope, meaning]) => `  ${scope}: ${meaning}`);
    throw usageError(`Cannot add a key ${found}: expected one or several of\n${known.join('\n')}`);
  }
  return (api, nowMs) => addKey(api, what, given, nowMs);
}

async function listKeys(api: Api, nowMs: number): Promise<Outcome> {
  const { items } = await api.list<KeyAnswer>('/api/v1/keys', {}, Number.POSITIVE_INFINITY);
  const rows = items.map(({ id, name, scopes, expiresAtMs, lastUsedAtMs }) => [
    id,
    name,
    expiresAtMs === undefined ? 'never' : shownMoment(expiresAtMs, nowMs),
    lastUsedAtMs === undefined ? 'never' : shownMoment(lastUsedAtMs, nowMs),
    scopes.join(' '),
  ]);
  const table = textTable([['ID', 'NAME', 'ENDS', 'LAST USED', 'MAY'], ...rows]);
  return { json: items, lines: items.length === 0 ? ['There is none.'] : table };
}

async function addKey(api: Api, name: string, { scopes, expiresInS }: Given, nowMs: number): Promise<Outcome> {
  const made = await api.ask<KeyAnswer & { key: string }>('POST', '/api/v1/keys', { name, scopes, expiresInS });
  const until = made.expiresAtMs === undefined ? 'for good' : `until ${shownMoment(made.expiresAtMs, nowMs)}`;
  const remarks = [`Key ${made.id} counts ${until}.`, 'It is not shown again: only its hash is kept.'];
  const ifLost = `Key ${made.id} was made all the same, and nobody has seen it: dunlin api-key remove ${made.id}`;
  return { json: made, lines: [made.key], remarks, ifLost };
}

async function removeKey(api: Api, id: string): Promise<Outcome> {
  if (!/^[0-9a-f]{16}$/.test(id))
    throw usageError(`Cannot remove "${id}": expected the id of a key, as the list has it`);
  await api.ask('DELETE', `/api/v1/keys/${id}`);
  return { json: { id, removed: true }, lines: [`Removed ${id}: it counts no longer.`] };
}
