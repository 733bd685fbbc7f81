/** The table of commands that a running server answers on its control socket. A new command is an entry here. */
import { isAbsolute } from 'node:path';
import type { LmdbEnvironment } from '@dunlin/lmdb';
import { type ControlCommandName, ControlError, type ControlResult, type ServerIdentity } from './control-protocol.ts';
import type { GivenParameters } from './control-socket.ts';

/** What commands work on. */
export interface ControlledParts {
  readonly storage: Pick<LmdbEnvironment, 'stats' | 'check' | 'backup'>;
  readonly server: ServerIdentity;
}

export function controlCommands({ storage, server }: ControlledParts) {
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
