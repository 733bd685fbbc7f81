/** Asks the server that has a data directory: what the commands for a running server share. */

import { CommandError, ConnectionLostError, ExitCode, localError, usageError } from './exit-codes.ts';
import { type Flag, HelpAsked } from './flags.ts';

type Server = typeof import('@dunlin/server');
type Name = import('@dunlin/server').ControlCommandName;
type Request<Command extends Name> = import('@dunlin/server').ControlRequest<Command>;
type Result<Command extends Name> = import('@dunlin/server').ControlResult<Command>;

/** Which server, and how its answer is printed. */
export interface ControlFlags {
  data?: string;
  config?: string;
  json: boolean;
}

type Place = { readonly data?: string | undefined; readonly config?: string | undefined };

/** The flags of every command for a running server. */
export const CONTROL_FLAGS: readonly Flag<ControlFlags>[] = [
  {
    long: 'data',
    values: ['DIR'],
    help: 'the data directory of the server (as dunlin serve takes it without this flag)',
    set: (flags, [directory]) => {
      flags.data = directory;
    },
  },
  {
    short: 'c',
    long: 'config',
    values: ['FILE'],
    help: 'take the data directory from the configuration of the server',
    set: (flags, [file]) => {
      flags.config = file;
    },
  },
  {
    long: 'json',
    help: 'print one line of JSON',
    set: (flags) => {
      flags.json = true;
    },
  },
  {
    long: 'help',
    help: 'show this help',
    set: () => {
      throw new HelpAsked();
    },
  },
];

/** Where the help says whose server it is. */
export const CONTROL_NOTE: [string, string[]] = [
  'Which server',
  [
    'It is asked through the socket "control" in its data directory. Only its own user may: sudo -u USER dunlin … where',
    'it is another one. A server that keeps nothing (durability "memory") has none.',
  ],
];

/** Has the server run a command. Rejects with what `failureOf` understands, also where no server runs. */
export async function askRunning<Command extends Name>(
  { data, config }: Place,
  request: Request<Command>,
): Promise<Result<Command>> {
  const answer = await askIfRunning<Command>({ data, config }, request);
  if (answer !== undefined) return answer.result;
  const server = await import('@dunlin/server');
  throw new CommandError(
    ExitCode.network,
    `Cannot ask a server: none runs with the data directory ${server.dataDirectory(data, config)}\n` +
      'Name the data directory with --data DIR, or the configuration of the server with --config FILE.',
  );
}

/** The same where a server runs; else undefined. */
export async function askIfRunning<Command extends Name>(
  { data, config }: Place,
  request: Request<Command>,
): Promise<import('@dunlin/server').Answered<Result<Command>> | undefined> {
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const server = await import('@dunlin/server');
  try {
    return await server.askServer<Command>(server.dataDirectory(data, config), request);
  } catch (error) {
    throw controlFailure(server, error, config);
  }
}

/** What a command ends with that asked a server, or would have opened what none has. */
export function controlFailure(server: Server, error: unknown, config: string | undefined): unknown {
  if (error instanceof server.ConfigurationError)
    return config === undefined ? usageError(error.message) : localError(error.message);
  if (!(error instanceof server.ControlError)) return error;
  if (error.code === 'connection-lost') return new ConnectionLostError(error.message);
  const hint =
    error.code === 'unknown-command'
      ? '\nThe server is of another version than this dunlin: use the one that it was started with.'
      : '';
  return new CommandError(error.code === 'unreachable' ? ExitCode.network : ExitCode.local, error.message + hint);
}
