/** From flags to a connected client. */

import { type Client, type ClientEvents, type ConnectOptions, connect, MqttError } from '@dunlin/client';
import type { ProtocolVersion } from '@dunlin/protocol';
import { connectTcp } from '@dunlin/transport';
import { type ConnectionFlags, versionOf } from './connection-flags.ts';
import { CommandError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { traceLine } from './trace.ts';
import { visible } from './visible.ts';

const DEFAULT_PORT = 1883;
const NEVER_EXPIRES = 0xffff_ffff;
/** A server cannot fill the memory with one message; larger ones it does not send (MQTT 5.0) or they end the command. */
export const PACKET_BYTES_MAX = 16 * 1024 * 1024;

/** Connects as the flags say. `signal` gives up while connecting. Rejects as `connect` of the client does. */
export async function connectWithFlags(
  flags: ConnectionFlags,
  terminal: Terminal,
  signal: AbortSignal,
  on: Partial<ClientEvents> = {},
): Promise<Client> {
  const { url } = flags;
  const host = flags.host ?? url?.host ?? 'localhost';
  const port = flags.port ?? url?.port ?? DEFAULT_PORT;
  const options = { ...connectOptions(flags, terminal.processId), signal, on: { ...traces(flags, terminal), ...on } };
  const local = flags.bindAddress === undefined ? {} : { localAddress: flags.bindAddress };
  try {
    return await connect('mqtt://localhost', {
      ...options,
      reconnect: false,
      dial: ({ signal: bounds, timeoutMs }) => connectTcp({ host, port, ...local, signal: bounds, timeoutMs }),
    });
  } catch (error) {
    throw unsupportedVersion(error, versionOf(flags)) ?? error;
  }
}

/** The names of `-V`, the newest first. */
const VERSION_NAMES: readonly (readonly [ProtocolVersion, string])[] = [
  [5, '-V 5'],
  [4, '-V 311'],
  [3, '-V 31'],
];

/** The same refusal with the versions that were not tried; undefined where it is another one. */
export function unsupportedVersion(error: unknown, version: ProtocolVersion): CommandError | undefined {
  if (!(error instanceof MqttError) || error.code !== 'refused' || error.reasonCode !== UNSUPPORTED_VERSION)
    return undefined;
  const others = VERSION_NAMES.filter(([other]) => other !== version).map(([, name]) => name);
  const hint = `The server does not speak this version: try ${others.join(' or ')}.`;
  return new CommandError(UNSUPPORTED_VERSION, `${error.message}\n${hint}`);
}

const UNSUPPORTED_VERSION = 0x84;

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
    maximumPacketSize: flags.maximumPacketSize ?? flags.properties.connect?.maximumPacketSize ?? PACKET_BYTES_MAX,
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
    packetSent: (packet) => void terminal.errors.write(`${visible(traceLine('sent', packet))}\n`),
    packetReceived: (packet) => void terminal.errors.write(`${visible(traceLine('received', packet))}\n`),
  };
}
