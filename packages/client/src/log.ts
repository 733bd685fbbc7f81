/** The log: lines for the application's hook, and on the console where `DEBUG` names `dunlin:client`. */

import type { Packet } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import type { PacketTap } from './connection.ts';
import { describeReason, listed, shown } from './errors.ts';
import { callApart, type Listeners } from './events.ts';
import type { LogLine } from './options.ts';

const NAME = 'dunlin:client';

/** The log of one client: its hook, and the console where the switch is on. It sees packets for the listeners too. */
export class Log implements PacketTap {
  readonly #hook: ((line: LogLine) => void) | undefined;
  readonly #isDebug: boolean;
  readonly #listeners: Listeners<ClientEvents>;

  constructor(
    hook: ((line: LogLine) => void) | undefined,
    listeners: Listeners<ClientEvents>,
    isDebug = isDebugOn(globalThis),
  ) {
    this.#hook = hook;
    this.#isDebug = isDebug;
    this.#listeners = listeners;
  }

  get isOpen(): boolean {
    return this.#isRead || this.#listeners.has('packetSent') || this.#listeners.has('packetReceived');
  }

  line(level: LogLine['level'], text: string): void {
    if (this.#isDebug) console.debug(`${NAME} ${text}`);
    if (this.#hook !== undefined) callApart(this.#hook, { level, text });
  }

  sent(packet: Packet): void {
    this.#packet('packetSent', packet, '>');
  }

  received(packet: Packet): void {
    this.#packet('packetReceived', packet, '<');
  }

  get #isRead(): boolean {
    return this.#isDebug || this.#hook !== undefined;
  }

  #packet(event: 'packetSent' | 'packetReceived', packet: Packet, direction: '<' | '>'): void {
    if (this.#isRead) this.line('debug', packetLine(direction, packet));
    this.#listeners.emit(event, withoutSecrets(packet));
  }
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

/** What a line tells of a packet, where the packet has it. */
interface Told {
  readonly type: string;
  readonly packetId?: number;
  readonly topic?: string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  readonly payload?: Uint8Array;
  readonly subscriptions?: readonly { readonly filter: string }[];
  readonly filters?: readonly string[];
  readonly sessionPresent?: boolean;
  readonly reasonCode?: number;
  readonly reasonCodes?: readonly number[];
}

/** A packet in one line: type, identifier, topic or filters, code, sizes; no payload and no secret. */
export function packetLine(direction: '>' | '<', packet: Packet): string {
  const told: Told = packet;
  const { topic, payload, subscriptions, reasonCode } = told;
  const filters = told.filters ?? subscriptions?.map(({ filter }) => filter);
  return [
    direction,
    told.type.toUpperCase(),
    told.packetId,
    topic !== undefined && `"${shown(topic)}" QoS ${told.qos}`,
    told.retain && 'retained',
    told.dup && 'again',
    payload && `${payload.length} bytes`,
    filters && listed(filters),
    told.sessionPresent && 'session present',
    reasonCode && describeReason(reasonCode, packet),
    told.reasonCodes?.join(' '),
  ]
    .filter(Boolean)
    .join(' ');
}

/** The packet without authentication data and with an empty password. */
export function withoutSecrets(packet: Packet): Packet {
  if (packet.type !== 'connect' && packet.type !== 'auth' && packet.type !== 'connack') return packet;
  const { authenticationData, ...properties } = packet.properties;
  const shown = { ...packet, properties };
  if (shown.type === 'connect' && shown.password !== undefined) shown.password = new Uint8Array(0);
  return shown;
}
