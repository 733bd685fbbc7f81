/** The log, and who else sees the packets. Its lines are made by a part that is loaded where somebody reads them. */

import type { Packet } from '@dunlin/protocol';
import type { ClientEvents } from './client-api.ts';
import type { PacketTap } from './connection.ts';
import type { Listeners } from './events.ts';
import type { LogLines } from './log-lines.ts';
import { onDemand } from './on-demand.ts';
import type { LogLine } from './options.ts';

const linesPart = onDemand(() => import('./log-lines.ts'));

/** The log of one client. Lines come in their order, each soon after what it tells of. */
export class Log implements PacketTap {
  readonly #listeners: Listeners<ClientEvents>;
  /** Undefined where nobody reads them. */
  readonly #lines: Promise<LogLines> | undefined;

  /** `names`: see `Platform.debugNames`. */
  constructor(
    hook: ((line: LogLine) => void) | undefined,
    names: string | undefined,
    listeners: Listeners<ClientEvents>,
  ) {
    this.#listeners = listeners;
    if (hook || names) this.#lines = linesPart().then(({ LogLines }) => new LogLines(hook, names));
  }

  get isOpen(): boolean {
    return this.#lines !== undefined || this.#listeners.has('packetSent') || this.#listeners.has('packetReceived');
  }

  line(level: LogLine['level'], text: string): void {
    this.#tell((lines) => lines.tell(level, text));
  }

  sent(packet: Packet): void {
    this.#tell((lines) => lines.packet('>', packet));
    this.#listeners.emit('packetSent', withoutSecrets(packet));
  }

  received(packet: Packet): void {
    this.#tell((lines) => lines.packet('<', packet));
    this.#listeners.emit('packetReceived', withoutSecrets(packet));
  }

  /** A log that cannot be loaded ends nothing. */
  #tell(tell: (lines: LogLines) => void): void {
    this.#lines?.then(tell, () => {});
  }
}

/** The packet without authentication data and with an empty password. */
export function withoutSecrets(packet: Packet): Packet {
  if (packet.type !== 'connect' && packet.type !== 'auth' && packet.type !== 'connack') return packet;
  const { authenticationData, ...properties } = packet.properties;
  const shown = { ...packet, properties };
  if (shown.type === 'connect' && shown.password !== undefined) shown.password = new Uint8Array(0);
  return shown;
}
