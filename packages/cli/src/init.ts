/** `dunlin init`: the directory of a new server, and what to do with it. */

import { randomBytes } from 'node:crypto';
import { visible } from '@dunlin/protocol';
import { ExitCode, localError, usageError } from './exit-codes.ts';
import { type InitRequest, readInitFlags } from './init-flags.ts';
import { newPassword } from './secrets.ts';
import type { Terminal } from './terminal.ts';

type Server = typeof import('@dunlin/server');
type Made = Awaited<ReturnType<Server['makeInitialDirectory']>>;

/** 32 characters that nobody takes for one another; 26 of them are 130 bits. */
const PASSWORD_CHARACTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const PASSWORD_LENGTH = 26;

/** Runs the command and returns its exit code. Rejects with what `failureOf` understands. */
export async function init(argv: readonly string[], terminal: Terminal): Promise<number> {
  const request = readInitFlags(argv);
  const { user, passwordFile } = request;
  const made = passwordFile === undefined ? madePassword() : undefined;
  const password = made ?? (await newPassword(terminal, passwordFile, user));
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const server = await import('@dunlin/server');
  try {
    const directory = await server.makeInitialDirectory({ ...request, password, nowMs: server.systemClock.nowMs() });
    terminal.output.write(request.json ? `${json(directory, user, made)}\n` : screen(directory, request, made, server));
    return ExitCode.done;
  } catch (error) {
    if (error instanceof server.InitialDirectoryError) throw localError(error.message);
    if (error instanceof TypeError) throw usageError(error.message);
    throw error;
  }
}

function madePassword(): string {
  const places = randomBytes(PASSWORD_LENGTH);
  return Array.from(places, (place) => PASSWORD_CHARACTERS[place % PASSWORD_CHARACTERS.length]).join('');
}

function json({ directory, files, names }: Made, user: string, password: string | undefined): string {
  return JSON.stringify({ directory, files, names, user, password });
}

function screen(
  { directory, files, names }: Made,
  { user, tlsPort, port, passwordFile, days }: InitRequest,
  password: string | undefined,
  { shellWord: word, toolCommand }: Server,
): string {
  const tool = toolCommand();
  const shown = (givenPort: number): string => (givenPort === 0 ? 'PORT' : String(givenPort));
  const who = `-u ${word(user)} -P PASSWORD`;
  const tls = `--cafile ${word(files.authority)} -h localhost -p ${shown(tlsPort)} ${who}`;
  const change = `${tool} passwd ${word(files.passwords)}`;
  return `Made the directory of a server: ${visible(directory)}

user: ${visible(user)}
password: ${password ?? `as in ${visible(passwordFile ?? '')}`}

Only a hash of the password is kept${password === undefined ? '' : ': it is not shown again'}. To change it: ${change} ${word(user)}

Start the server:
  ${tool} serve --config ${word(files.configuration)}

Try it in two other terminals, with the password in place of PASSWORD:
  mosquitto_sub ${tls} -t '#' -v
  mosquitto_pub ${tls} -t hello -m world
or without TLS, on this machine alone:
  ${tool} sub -p ${shown(port)} ${who} -t '#' -v

Let others in: add a user, say in the rules what that user may do, and have the server read both.
  ${change} USER
  ${tool} reload --config ${word(files.configuration)}
  The rules are in ${word(files.rules)}; what none of them allows is denied.

To know:
  tls/ca.pem  Clients need it to know the server by. The certificate of the server is good for ${days} days and for
              ${names.join(', ')}
  tls/ca.key  Whoever has it can make certificates: of a server that your clients take for this one, and of clients
              where this server takes certificates. The server does not need it: keep it somewhere else.
  data        Messages and sessions lie there as they came: they are not encrypted. Encrypt the disk where that matters.
`;
}
