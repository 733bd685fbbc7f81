/** The table of commands that a running server answers on its control socket. A new command is an entry here. */
import { isAbsolute } from 'node:path';
import type { LmdbEnvironment } from '@dunlin/lmdb';
import type { LocalAnswer, LocalRequest } from './api/api-host.ts';
import {
  type BannedParty,
  type ControlCommandName,
  ControlError,
  type ControlResult,
  type GivenBan,
  type ServerIdentity,
} from './control-protocol.ts';
import type { GivenParameters } from './control-socket.ts';
import type { Doors } from './doors.ts';
import type { ReloadReport } from './in-force.ts';

/** What commands work on. */
export interface ControlledParts {
  readonly storage: Pick<LmdbEnvironment, 'stats' | 'check' | 'backup'>;
  readonly server: ServerIdentity;
  readonly doors: Pick<Doors, 'shadow' | 'ban' | 'bans' | 'liftBan' | 'liftClientBan'>;
  readonly reload: () => Promise<ReloadReport>;
  readonly api: (request: LocalRequest) => Promise<LocalAnswer>;
}

export function controlCommands({ storage, server, doors, reload, api }: ControlledParts) {
  const table: {
    readonly [name in ControlCommandName]: (parameters: GivenParameters) => Promise<ControlResult<name>>;
  } = {
    hello: async () => ({ ...server, commands: Object.keys(table) }),
    'store-stats': () => storage.stats(),
    'store-check': () => storage.check(),
    'store-backup': async (parameters) => {
      const to = absolutePath(parameters, 'to');
      await storage.backup(to);
      return { to };
    },
    reload: () => reload(),
    api: (parameters) => api(localRequest(parameters)),
    'acl-shadow': async () => doors.shadow() ?? null,
    bans: async () => doors.bans(),
    ban: async (parameters) => {
      const ban = givenBan(parameters);
      try {
        doors.ban(ban.address, ban.username, ban.banS === undefined ? undefined : ban.banS * 1_000);
      } catch (error) {
        throw error instanceof RangeError ? new ControlError('bad-parameter', error.message) : error;
      }
      return ban;
    },
    'lift-ban': async (parameters) => {
      const party = bannedParty(parameters);
      if ('clientId' in party) return { lifted: doors.liftClientBan(party.clientId, party.identity) };
      return { lifted: doors.liftBan(party.address, party.username) };
    },
  };
  return table;
}

/** A relative one would be below the working directory of the server, which nobody means. */
function absolutePath(parameters: GivenParameters, name: string): string {
  const value = parameters[name];
  if (typeof value === 'string' && isAbsolute(value) && !value.includes('\0')) return value;
  const found = JSON.stringify(value) ?? 'missing';
  throw new ControlError('bad-parameter', `Cannot use ${name}: it is ${found}, expected is an absolute path`);
}

const METHODS: readonly unknown[] = ['GET', 'POST', 'PATCH', 'DELETE'];

function localRequest({ method, path, headers = {}, body }: GivenParameters): LocalRequest {
  const isText = (value: unknown): value is string => typeof value === 'string';
  const areTexts = typeof headers === 'object' && headers !== null && Object.values(headers).every(isText);
  if (METHODS.includes(method) && isText(path) && path.startsWith('/') && areTexts)
    return { method, path, headers, ...(body !== undefined && { body }) } as LocalRequest;
  throw new ControlError(
    'bad-parameter',
    'Cannot ask the API: expected is a method (GET, POST, PATCH, DELETE), a path such as /api/v1/devices, and headers as texts',
  );
}

const BAN_S_MAX = 2_592_000;

function givenBan({ address, username, banS }: GivenParameters): GivenBan {
  const isTime = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= BAN_S_MAX;
  if (typeof address === 'string' && (username === undefined || typeof username === 'string'))
    if (banS === undefined || isTime(banS))
      return { address, ...(username !== undefined && { username }), ...(banS !== undefined && { banS }) };
  throw new ControlError(
    'bad-parameter',
    `Cannot ban: expected is an address, with or without a username, each a text, and a banS from 1 to ${BAN_S_MAX} or none`,
  );
}

function bannedParty({ address, username, clientId, identity }: GivenParameters): BannedParty {
  if (typeof clientId === 'string' && address === undefined && username === undefined) {
    if (identity === undefined) return { clientId };
    if (typeof identity === 'string') return { clientId, identity };
  }
  if (typeof address === 'string' && clientId === undefined && identity === undefined) {
    if (username === undefined) return { address };
    if (typeof username === 'string') return { address, username };
  }
  throw new ControlError(
    'bad-parameter',
    'Cannot lift a ban: expected is an address, an address and a username, a clientId, or a clientId and an identity, each a text',
  );
}
