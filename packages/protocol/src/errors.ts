/** The one error type of Dunlin's protocol code: what was attempted, what was found, what is expected. */

/**
 * Stable identifiers of protocol faults. They never change their meaning; the text of a message may.
 */
export type MqttErrorCode =
  | 'malformed-packet'
  | 'protocol-error'
  | 'packet-too-large'
  | 'unsupported-protocol-version'
  | 'client-identifier-not-valid'
  | 'topic-filter-invalid'
  | 'topic-name-invalid'
  | 'topic-alias-invalid'
  | 'receive-maximum-exceeded'
  | 'quota-exceeded';

/**
 * A fault in what a peer sent or in what a caller asked to send.
 *
 * `reasonCode` is the MQTT 5.0 Reason Code that fits (section 2.4); for 3.x it is never sent, the connection
 * just closes. `message` reads "Cannot subscribe to "a/#/b": "#" must be the last level [MQTT-4.7.1-1]" and holds
 * no secret and at most 200 characters of what the peer sent, escaped.
 */
export class MqttError extends Error {
  override readonly name = 'MqttError';
  readonly code: MqttErrorCode;
  /** MQTT 5.0 Reason Code, 0x80 to 0xA2. */
  readonly reasonCode: number;

  constructor(code: MqttErrorCode, reasonCode: number, message: string) {
    super(message);
    this.code = code;
    this.reasonCode = reasonCode;
  }
}

/** The fault of a packet that cannot be parsed: code 'malformed-packet', Reason Code 0x81. Returned, not thrown. */
export function malformedPacket(message: string): MqttError {
  return new MqttError('malformed-packet', 0x81, message);
}

/** The fault of a packet that a rule forbids: code 'protocol-error', Reason Code 0x82. Returned, not thrown. */
export function protocolError(message: string): MqttError {
  return new MqttError('protocol-error', 0x82, message);
}

/** The fault of what is larger than its receiver takes: code 'packet-too-large', Reason Code 0x95. Returned, not thrown. */
export function packetTooLarge(message: string): MqttError {
  return new MqttError('packet-too-large', 0x95, message);
}
