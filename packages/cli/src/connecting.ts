/** From flags to a connected client, and the end of both commands: what they share around their work. */

import { type Client, type ClientEvents, type ConnectOptions, connectOver } from '@dunlin/client';
import { connectTcp } from '@dunlin/transport';
import { type ConnectionFlags, versionOf } from './connection-flags.ts';
import type { Terminal } from './terminal.ts';
import { traceLine } from './trace.ts';

const DEFAULT_PORT = 1883;
const NEVER_EXPIRES = 0xffff_ffff;

/** Connects as the flags say. `signal` gives up while connecting. Rejects as `connect` of the client does. */
export function connectWithFlags(
  flags: ConnectionFlags,
  terminal: Terminal,
  signal: AbortSignal,
  on: Partial<ClientEvents> = {},
): Promise<Client> {
  const { url } = flags;
  const host = flags.host ?? url?.host ?? 'localhost';
  const port = flags.port ?? url?.port ?? DEFAULT_PORT;
  const options = { ...connectOptions(flags, terminal.processId), signal, on: { ...traces(flags, terminal), ...on } };
  return connectOver((bounds) => connectTcp({ host, port, ...bounds }), options);
}

/** The options of the client that the flags mean. */
export function connectOptions(flags: ConnectionFlags, processId: number): ConnectOptions {
  const username = flags.username ?? flags.url?.username;
  const password = flags.password ?? flags.url?.password;
  const clientId = flags.idPrefix === undefined ? flags.clientId : `${flags.idPrefix}${processId}`;
  return {
    protocolVersion: versionOf(flags),
    keepAlive: flags.keepAlive,
    cleanStart: flags.cleanStart,
    properties: connectProperties(flags),
    ...(clientId === undefined ? {} : { clientId }),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...willOptions(flags),
  };
}

/** `-c` without `-x` keeps the session for ever, which is what it does in the older versions. */
function connectProperties(flags: ConnectionFlags): NonNullable<ConnectOptions['properties']> {
  const given = flags.properties.connect ?? {};
  if (versionOf(flags) !== 5) return given;
  const expiry = flags.sessionExpiry ?? given.sessionExpiryInterval ?? (flags.cleanStart ? undefined : NEVER_EXPIRES);
  return expiry === undefined ? given : { ...given, sessionExpiryInterval: expiry };
}

function willOptions({ will, properties }: ConnectionFlags): Pick<ConnectOptions, 'will'> {
  const { topic, payload = '', qos = 0, retain = false } = will;
  return topic === undefined ? {} : { will: { topic, payload, qos, retain, properties: properties.will ?? {} } };
}

function traces(flags: ConnectionFlags, terminal: Terminal): Partial<ClientEvents> {
  if (!flags.debug) return {};
  return {
    packetSent: (packet) => void terminal.errors.write(`${traceLine('sent', packet)}\n`),
    packetReceived: (packet) => void terminal.errors.write(`${traceLine('received', packet)}\n`),
  };
}
