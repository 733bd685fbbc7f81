/** The error with which the client's promises reject: stable code, classic codes, the server's reason, the packet. */

import {
  type DisconnectPacket,
  NO_PROPERTIES,
  type Packet,
  type Properties,
  MqttError as ProtocolError,
  quoted,
} from '@dunlin/protocol';
import { CONNECTION_REFUSED, ERRNO, ERRNO_OF_REASON, type MqttErrorCode, RETURN_CODES } from './error-table.ts';
import { addedWords, describeReason } from './reason-words.ts';

/** What an `MqttError` knows besides its code and text. */
export interface MqttErrorDetails {
  /** The Reason Code of MQTT 5.0; Return Codes of 3.x are mapped to the one that fits. */
  readonly reasonCode?: number | undefined;
  /** The packet that said so. */
  readonly packet?: Packet | undefined;
  readonly cause?: unknown;
}

/** Why an operation of the client failed; `docs/reference/client-errors.md` lists the codes. */
export class MqttError extends Error {
  override readonly name = 'MqttError';
  readonly code: MqttErrorCode;
  // Not there where they are undefined, so that nobody reads of them when the error is shown.
  /** MQTT 5.0 Reason Code, 0x80 to 0xA2, or 0x10 of a request that nobody hears; undefined where none fits. */
  declare readonly reasonCode: number | undefined;
  /** The packet that brought the refusal. */
  declare readonly packet: Packet | undefined;

  constructor(code: MqttErrorCode, message: string, details: MqttErrorDetails = {}) {
    super(message, details);
    const { reasonCode, packet } = details;
    this.code = code;
    if (reasonCode !== undefined) this.reasonCode = reasonCode;
    if (packet !== undefined) this.packet = packet;
  }

  /** One of the sixteen classic client codes, 2 (`MQTT_ERR_PROTOCOL`) to 15 (`MQTT_ERR_QUEUE_SIZE`). */
  get errno(): number {
    if (this.code !== 'refused') return ERRNO[this.code];
    return this.packet?.type === 'connack'
      ? CONNECTION_REFUSED
      : (ERRNO_OF_REASON[this.reasonCode ?? 0] ?? ERRNO.refused);
  }

  /** The CONNACK Return Code of MQTT 3.x, 1 to 5, also for the refusals of 5.0 that have one; otherwise undefined. */
  get returnCode(): number | undefined {
    return this.packet?.type === 'connack' ? RETURN_CODES[this.reasonCode ?? 0] : undefined;
  }

  /** The server's own words, where it gave any. */
  get reasonString(): string | undefined {
    return propertiesOf(this.packet).reasonString;
  }
}

/**
 * Whatever was thrown as the client's own error: faults of the protocol code keep code and text, others get `code`. With
 * 'invalid' what failed is what the caller gave: that no packet can be made of it is the caller's fault, not the server's.
 */
export function mqttError(error: unknown, code: MqttErrorCode = 'invalid'): MqttError {
  if (error instanceof MqttError) return error;
  // What is thrown may be anything, also undefined.
  const { message, reasonCode, code: found } = (error ?? {}) as ProtocolError;
  const isFault =
    error instanceof ProtocolError &&
    (code !== 'invalid' || (found !== 'protocol-error' && found !== 'malformed-packet'));
  return new MqttError(isFault ? found : code, message ?? String(error), {
    reasonCode: isFault ? reasonCode : undefined,
    cause: error,
  });
}

/** The error of an argument that cannot be: "Cannot publish: qos is 1 (string), expected 0, 1 or 2". Returned, not thrown. */
export function wrongArgument(attempt: string, name: string, found: unknown, expected: string): MqttError {
  return new MqttError(
    'invalid',
    `${attempt}: ${name} is ${shown(String(found))} (${typeof found}), expected ${expected}`,
  );
}

/** The server's refusal: "Cannot publish to "a": Not authorized (0x87), no right to a". Returned, not thrown. */
export function refused(attempt: string, reasonCode: number, packet: Packet): MqttError {
  return told('refused', attempt, reasonCode, packet);
}

/** The error of a connection that the server ended. */
export function disconnectedBy(packet: DisconnectPacket): MqttError {
  return told('server-disconnected', 'The server ended the connection', packet.reasonCode, packet);
}

/** What a packet says, with the server's own words where it gave any that say more than the Reason Code's name. */
function told(code: MqttErrorCode, attempt: string, reasonCode: number, packet: Packet): MqttError {
  const words = addedWords(propertiesOf(packet).reasonString, reasonCode, packet);
  const own = words === undefined ? '' : `, ${shown(words)}`;
  return new MqttError(code, `${attempt}: ${describeReason(reasonCode, packet)}${own}`, { reasonCode, packet });
}

/** None where the packet has no place for them. */
export function propertiesOf(packet: Packet | undefined): Properties {
  return packet !== undefined && 'properties' in packet ? packet.properties : NO_PROPERTIES;
}

/** The MQTT 5.0 Reason Code for a CONNACK Return Code of MQTT 3.1 and 3.1.1. */
export function reasonCodeOfReturnCode(returnCode: number): number {
  return [0x00, 0x84, 0x85, 0x88, 0x86, 0x87][returnCode] ?? 0x80;
}

/** Text of a peer made safe for a terminal and short: control characters, direction marks and line separators escaped. */
export function shown(text: string): string {
  return quoted(text, SHOWN_MAX).slice(1, -1);
}

/** Filters in a text: `"a", "b"`. */
export function listed(filters: readonly string[]): string {
  return filters.map((filter) => `"${filter}"`).join(', ');
}

const SHOWN_MAX = 200;
