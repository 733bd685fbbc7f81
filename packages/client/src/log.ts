/** The log: lines for the application's hook, and on the console where `DEBUG` names `dunlin:client`. */

import type { Packet } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import type { PacketTap } from './connection.ts';
import { describeReason, shown } from './errors.ts';
import { callApart, type Listeners } from './events.ts';
import type { LogLine } from './options.ts';

const NAME = 'dunlin:client';

/** Where lines go; undefined where nobody reads them. */
export type Log = ((level: LogLine['level'], text: string) => void) | undefined;

/** The log of one client: its hook, and the console where the switch is on. */
export function logOf(hook: ((line: LogLine) => void) | undefined, isDebug = isDebugOn(globalThis)): Log {
  if (hook === undefined && !isDebug) return undefined;
  return (level, text) => {
    if (isDebug) console.debug(`${NAME} ${text}`);
    if (hook !== undefined) callApart(hook, { level, text });
  };
}

/**
 * Whether `DEBUG` (in Node the environment variable, in browsers `localStorage.debug`) names this client: names with
 * commas or spaces between them, `*` for anything.
 */
export function isDebugOn(world: object): boolean {
  try {
    const { process, localStorage } = world as {
      process?: { env?: Record<string, string> };
      localStorage?: { debug?: string };
    };
    const names = process?.env === undefined ? localStorage?.debug : process.env.DEBUG;
    return (names ?? '')
      .split(/[\s,]+/)
      .some((name) => name === NAME || (name.endsWith('*') && NAME.startsWith(name.slice(0, -1))));
  } catch {
    // A page may be denied its storage.
    return false;
  }
}

/** A packet in one line: type, identifier, topic or filters, code, sizes; no payload and no secret. */
export function packetLine(direction: '>' | '<', packet: Packet): string {
  const words: unknown[] = [direction, packet.type.toUpperCase()];
  if ('packetId' in packet && packet.packetId > 0) words.push(packet.packetId);
  if (packet.type === 'publish') {
    words.push(`"${shown(packet.topic)}" QoS ${packet.qos}`);
    if (packet.retain) words.push('retained');
    if (packet.dup) words.push('again');
    words.push(`${packet.payload.length} bytes`);
  }
  if (packet.type === 'subscribe') words.push(...packet.subscriptions.map(({ filter }) => `"${filter}"`));
  if (packet.type === 'unsubscribe') words.push(...packet.filters.map((filter) => `"${filter}"`));
  if (packet.type === 'connack' && packet.sessionPresent) words.push('session present');
  if ('reasonCode' in packet && packet.reasonCode > 0) words.push(describeReason(packet.reasonCode, packet));
  if ('reasonCodes' in packet) words.push(packet.reasonCodes.join(' '));
  return words.join(' ');
}

/** Tells the log and the listeners of packets. */
export function tapOf(log: Log, listeners: Listeners<ClientEvents>): PacketTap {
  return {
    get isOpen() {
      return log !== undefined || listeners.has('packetSent') || listeners.has('packetReceived');
    },
    sent: (packet) => {
      log?.('debug', packetLine('>', packet));
      listeners.emit('packetSent', withoutSecrets(packet));
    },
    received: (packet) => {
      log?.('debug', packetLine('<', packet));
      listeners.emit('packetReceived', withoutSecrets(packet));
    },
  };
}

/** The packet without authentication data and with an empty password. */
export function withoutSecrets(packet: Packet): Packet {
  if (packet.type !== 'connect' && packet.type !== 'auth' && packet.type !== 'connack') return packet;
  const { authenticationData, ...properties } = packet.properties;
  const shown = { ...packet, properties };
  if (shown.type === 'connect' && shown.password !== undefined) shown.password = new Uint8Array(0);
  return shown;
}
