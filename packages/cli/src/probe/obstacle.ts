/** What keeps a check from going on: a refusal, an end, a silence. */

import { describeReason } from '@dunlin/client';
import type { Packet, Properties } from '@dunlin/protocol';

/** Reason Codes that say of a server what it does not have at all; others say what this client may not. */
const NOT_THERE: ReadonlySet<number> = new Set([0x84, 0x8c, 0x9a, 0x9b, 0x9e, 0xa1, 0xa2]);

/** Thrown within a check. */
export class Obstacle extends Error {
  override readonly name = 'Obstacle';
  /** False: the server does not do it. Undefined: nobody can tell. */
  readonly answer: false | undefined;
  /** The Reason Code of MQTT 5.0, where the server gave one. */
  readonly reasonCode: number | undefined;

  constructor(message: string, answer: false | undefined, reasonCode?: number) {
    super(message);
    this.answer = answer;
    this.reasonCode = reasonCode;
  }
}

/** The server refused with a Reason Code. `what` is what was asked for, such as `SUBSCRIBE`. */
export function refusal(what: string, reasonCode: number, packet: Packet, properties: Properties = {}): Obstacle {
  const words = properties.reasonString === undefined ? '' : `: ${properties.reasonString}`;
  const answer = NOT_THERE.has(reasonCode) ? false : undefined;
  return new Obstacle(`${what}: ${describeReason(reasonCode, packet)}${words}`, answer, reasonCode);
}
