/** The errors with which the client's promises reject: stable codes, the server's reason, the packet. */

import { type MqttError, type Packet, type Properties, quoted, reasonCodeName } from '@dunlin/protocol';

/**
 * Stable identifiers of what went wrong; the text of a message may change, these may not.
 *
 * `refused`: the server answered with a Reason Code of 0x80 or more. `not-supported`: the server said at connect that
 * it does not do this, or the protocol version lacks it; nothing was sent. `invalid`: an argument cannot be.
 * `connection-failed`: no connection came about. `connection-lost`: it broke, or the server ended it without a word.
 * `server-disconnected`: the server sent DISCONNECT. `closed`: `disconnect` was called here. `timed-out`, `aborted`:
 * the caller's own bounds. `queue-full`: too many publishes wait.
 */
export type ClientErrorCode =
  | 'refused'
  | 'not-supported'
  | 'invalid'
  | 'connection-failed'
  | 'connection-lost'
  | 'server-disconnected'
  | 'closed'
  | 'timed-out'
  | 'aborted'
  | 'queue-full';

/** What a `ClientError` knows besides its code and text. */
export interface ClientErrorDetails {
  /** The Reason Code of MQTT 5.0; Return Codes of 3.x are mapped to the one that fits. */
  readonly reasonCode?: number | undefined;
  /** The packet that said so. */
  readonly packet?: Packet | undefined;
  readonly cause?: unknown;
}

/** Why an operation of the client failed. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  /** MQTT 5.0 Reason Code, 0x80 to 0xA2; undefined where no server spoke. */
  readonly reasonCode: number | undefined;
  /** The packet that brought the refusal. */
  readonly packet: Packet | undefined;

  constructor(code: ClientErrorCode, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.code = code;
    this.reasonCode = details.reasonCode;
    this.packet = details.packet;
  }

  /** The server's own words, where it gave any. */
  get reasonString(): string | undefined {
    return this.packet !== undefined && 'properties' in this.packet ? this.packet.properties.reasonString : undefined;
  }
}

/** What ends a connection: an error of the client's own, or a fault in what the server sent. */
export type ConnectionError = ClientError | MqttError;

/** The server's refusal: "Cannot publish to "a": Not authorized (0x87), no right to a". Returned, not thrown. */
export function refused(attempt: string, reasonCode: number, packet: Packet): ClientError {
  const properties: Properties | undefined = 'properties' in packet ? packet.properties : undefined;
  const message = `${attempt}: ${describeReason(reasonCode, packet)}${ownWords(reasonCode, packet, properties)}`;
  return new ClientError('refused', message, { reasonCode, packet });
}

/** `, ` and the server's own words, where it gave any that say more than the Reason Code's name. */
export function ownWords(reasonCode: number, packet: Packet, properties: Properties | undefined): string {
  const words = properties?.reasonString;
  return words === undefined || words === reasonCodeName(reasonCode, packet.type) ? '' : `, ${shown(words)}`;
}

/** A Reason Code in words and digits, such as `Not authorized (0x87)`. */
export function describeReason(reasonCode: number, packet?: Packet): string {
  return `${reasonCodeName(reasonCode, packet?.type)} (0x${reasonCode.toString(16).toUpperCase().padStart(2, '0')})`;
}

/** The MQTT 5.0 Reason Code for a CONNACK Return Code of MQTT 3.1 and 3.1.1. */
export function reasonCodeOfReturnCode(returnCode: number): number {
  return [0x00, 0x84, 0x85, 0x88, 0x86, 0x87][returnCode] ?? 0x80;
}

/** Text of a peer made safe for a terminal and short: control characters, direction marks and line separators escaped. */
export function shown(text: string): string {
  return quoted(text, SHOWN_MAX).slice(1, -1);
}

const SHOWN_MAX = 200;
