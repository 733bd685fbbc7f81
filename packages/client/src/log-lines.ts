/** The lines of the log: for the application's hook, and on the console where the client is named for it. */

import type { Packet } from '@dunlin/protocol';
import { listed, shown } from './errors.ts';
import { callApart } from './events.ts';
import type { LogLine } from './options.ts';
import { describeReason } from './reason-words.ts';

const NAME = 'dunlin:client';

/** Tells lines to the hook, and on the console where `names` (see `Platform.debugNames`) are of this client too. */
export class LogLines {
  readonly #hook: ((line: LogLine) => void) | undefined;
  readonly #isNamed: boolean;

  constructor(hook: ((line: LogLine) => void) | undefined, names: string | undefined) {
    this.#hook = hook;
    this.#isNamed = isNamed(names);
  }

  /** One line. */
  tell(level: LogLine['level'], text: string): void {
    if (this.#isNamed) console.debug(`${NAME} ${text}`);
    if (this.#hook !== undefined) callApart(this.#hook, { level, text });
  }

  /** The line of a packet. */
  packet(direction: '>' | '<', packet: Packet): void {
    this.tell('debug', packetLine(direction, packet));
  }
}

/** Whether names, with commas or spaces between them and `*` for anything, are of this client too. */
export function isNamed(names = ''): boolean {
  return names
    .split(/[\s,]+/)
    .some((name) => name === NAME || (name.endsWith('*') && NAME.startsWith(name.slice(0, -1))));
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
