/** From flags to a connected client. */

import { type Client, type ConnectOptions, connect, MqttError } from '@dunlin/client';
import type { ProtocolVersion } from '@dunlin/protocol';
import { visible } from '@dunlin/protocol';
import { boundedLines } from './bounded-lines.ts';
import { type ConnectionFlags, versionOf } from './connection-flags.ts';
import { dialOf } from './dialing.ts';
import { CommandError, ExitCode } from './exit-codes.ts';
import type { HeldWires } from './held-wires.ts';
import { placeUrl, serverPlace } from './server-place.ts';
import type { Terminal } from './terminal.ts';
import { traceLine } from './trace.ts';

const NEVER_EXPIRES = 0xffff_ffff;
/** A server cannot fill the memory with one message; larger ones it does not send (MQTT 5.0) or they end the command. */
export const PACKET_BYTES_MAX = 16 * 1024 * 1024;

/** What `connect` of the client takes. */
export interface Target {
  /** Without credentials. */
  readonly url: URL;
  readonly options: ConnectOptions;
}

/**
 * The server and the options that the flags mean, for commands that make many clients: certificates and keys are read
 * here, once. No client of it connects again unless `reconnect` is set. Throws a local error for a file, a usage error
 * for a host that cannot be. `wires` can hold back what its clients receive.
 */
export function targetOf(flags: ConnectionFlags, terminal: Terminal, wires?: HeldWires): Target {
  const place = serverPlace(flags);
  const url = placeUrl(place);
  const dial = dialOf(flags, place, url);
  const options = { ...connectOptions(flags, terminal.processId), dial: wires?.dialing(dial) ?? dial };
  return { url, options: { reconnect: false, ...options, on: traces(flags, terminal) } };
}

/**
 * Connects as the flags say; `more` wins over them, listener by listener. The one way of all commands to a client.
 *
 * Rejects as `connect` of the client does, with a hint where another version would help, and as `targetOf`.
 */
export async function connectClient(
  flags: ConnectionFlags,
  terminal: Terminal,
  more: ConnectOptions = {},
): Promise<Client> {
  return connectTarget(targetOf(flags, terminal), more);
}

/** The same with a target that is there. */
export async function connectTarget({ url, options: given }: Target, more: ConnectOptions = {}): Promise<Client> {
  const options = { ...given, ...more, on: { ...given.on, ...more.on } };
  try {
    return await connect(url, options);
  } catch (error) {
    throw (
      unsupportedVersion(error, options.protocolVersion ?? 5) ?? unanswered(error) ?? plainPort(error, url) ?? error
    );
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

/** A connection that was closed without a word, with what may be the reason; undefined for any other error. */
export function unanswered(error: unknown): CommandError | undefined {
  if (!(error instanceof MqttError) || error.code !== 'connection-lost') return undefined;
  const hint =
    'The server did not answer: is this its port for TLS, often 8883 (-L mqtts://HOST)? ' +
    'Plain MQTT is often at 1883 (-p). A server that bans this address does the same.';
  return new CommandError(ExitCode.network, `${error.message}\n${hint}`);
}

/** TLS or HTTP that was cut off, as a server of plain MQTT does with it; undefined for any other error. */
export function plainPort(error: unknown, { protocol }: URL): CommandError | undefined {
  if (!(error instanceof MqttError) || (error.code !== 'connection-failed' && error.code !== 'tls')) return undefined;
  const isReset = (error.cause as { code?: unknown } | undefined)?.code === 'ECONNRESET';
  if (!isReset || !['mqtts:', 'ws:', 'wss:'].includes(protocol)) return undefined;
  const hint = 'Is this a port for plain MQTT, often 1883? That is mqtt://, without --ws and flags of TLS.';
  return new CommandError(ExitCode.network, `${error.message}\n${hint}`);
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

function traces(flags: ConnectionFlags, terminal: Terminal): NonNullable<ConnectOptions['on']> {
  if (!flags.debug) return {};
  const write = boundedLines(terminal.errors);
  return {
    packetSent: (packet) => write(`${visible(traceLine('sent', packet))}\n`),
    packetReceived: (packet) => write(`${visible(traceLine('received', packet))}\n`),
  };
}
