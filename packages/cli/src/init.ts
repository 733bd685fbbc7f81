/** `dunlin init`: the directory of a new server, and what to do with it. */

import { randomBytes } from 'node:crypto';
import { relative, sep } from 'node:path';
import { visible } from '@dunlin/protocol';
import { ExitCode, localError, usageError } from './exit-codes.ts';
import { type InitRequest, readInitFlags } from './init-flags.ts';
import { checkTaken } from './outcome.ts';
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
  const broughtAuthority = await deviceAuthority(request, terminal);
  // Loaded when asked for: `pub` and `sub` start faster without it.
  const server = await import('@dunlin/server');
  try {
    const nowMs = server.systemClock.nowMs();
    const directory = await server.makeInitialDirectory({ ...request, password, broughtAuthority, nowMs });
    terminal.output.write(request.json ? `${json(directory, user, made)}\n` : screen(directory, request, made, server));
    if (made !== undefined) await checkTaken(terminal, lostPassword(directory, user, server));
    return ExitCode.done;
  } catch (error) {
    if (error instanceof server.InitialDirectoryError) throw localError(error.message);
    if (error instanceof TypeError) throw usageError(error.message);
    throw error;
  }
}

async function deviceAuthority({ deviceCa, devicePassphraseFile: file }: InitRequest, terminal: Terminal) {
  if (deviceCa === undefined || file === undefined) return deviceCa;
  return { ...deviceCa, passphrase: await newPassword(terminal, file, 'the key of the authority') };
}

function lostPassword({ directory, files }: Made, user: string, { shellWord: word, toolCommand }: Server): string {
  const change = `${toolCommand()} passwd ${word(files.passwords)} ${word(user)}`;
  return `The directory ${visible(directory)} was made all the same. Nobody has seen its password; another one: ${change}`;
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
  tls/devices-ca.pem
              The authority that issues certificates to devices. It can make none of a server.
${rootText(files)}  ${visible(masterKeyName(directory, files))}
              The master key. The keys of that authority are encrypted under it, and the server needs it at every
              start. It protects copies that lack it: a backup, a disk that is thrown away. It does not protect
              against root, against who may read the files of the server's user, or against who reads the memory of
              the server. Keep a copy in a safe place: without it no certificate can be issued any more.
${backupText(directory, files)}  data        Messages and sessions lie there as they came: they are not encrypted. Encrypt the disk where that matters.
`;
}

function rootText({ devicesRootKey }: Made['files']): string {
  if (devicesRootKey === undefined) return '';
  return `  tls/devices-root.key
              The key of its root, encrypted as well. The server does not need it: keep it somewhere else.
`;
}

function masterKeyName(directory: string, { masterKey }: Made['files']): string {
  return isInside(directory, masterKey) ? relative(directory, masterKey) : masterKey;
}

function backupText(directory: string, { masterKey }: Made['files']): string {
  if (!isInside(directory, masterKey)) return '';
  return `              dunlin store backup does not take it along, but a copy of this whole folder does: have it elsewhere
              (--master-key; devices.masterKey in dunlin.yaml, also a credential of systemd), or leave it out of such copies.
`;
}

function isInside(directory: string, file: string): boolean {
  return file.startsWith(`${directory}${sep}`);
}
