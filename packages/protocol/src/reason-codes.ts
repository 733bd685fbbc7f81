/** The closed set of MQTT 5.0 Reason Codes: values, names, which packet may carry which (section 2.4). */

import { isIn, PACKET_NAMES, type PacketName, placesOf, type Side } from './packet-types.ts';
import { hexDigits } from './visible-text.ts';

/** The Reason Codes by the camelCase of their names in the standard. */
export const ReasonCode = {
  success: 0x00,
  normalDisconnection: 0x00,
  grantedQoS0: 0x00,
  grantedQoS1: 0x01,
  grantedQoS2: 0x02,
  disconnectWithWillMessage: 0x04,
  noMatchingSubscribers: 0x10,
  noSubscriptionExisted: 0x11,
  continueAuthentication: 0x18,
  reAuthenticate: 0x19,
  unspecifiedError: 0x80,
  malformedPacket: 0x81,
  protocolError: 0x82,
  implementationSpecificError: 0x83,
  unsupportedProtocolVersion: 0x84,
  clientIdentifierNotValid: 0x85,
  badUserNameOrPassword: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  banned: 0x8a,
  serverShuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicFilterInvalid: 0x8f,
  topicNameInvalid: 0x90,
  packetIdentifierInUse: 0x91,
  packetIdentifierNotFound: 0x92,
  receiveMaximumExceeded: 0x93,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  messageRateTooHigh: 0x96,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  retainNotSupported: 0x9a,
  qosNotSupported: 0x9b,
  useAnotherServer: 0x9c,
  serverMoved: 0x9d,
  sharedSubscriptionsNotSupported: 0x9e,
  connectionRateExceeded: 0x9f,
  maximumConnectTime: 0xa0,
  subscriptionIdentifiersNotSupported: 0xa1,
  wildcardSubscriptionsNotSupported: 0xa2,
} as const;

/** One name of a Reason Code; value 0x00 has three. */
export interface ReasonCodeRow {
  readonly value: number;
  /** As the standard prints it. */
  readonly name: string;
  /** Packets that may carry it under this name. */
  readonly packets: readonly PacketName[];
}

/**
 * Every Reason Code, by value, from table 2-6 and the tables of the packets: places (see `placesOf`), name.
 *
 * Where these disagree the wider reading stands, since it decides what is accepted: DISCONNECT may carry 0x8C (only
 * table 2-6 has it) and a client may send DISCONNECT 0x9B (text of section 3.3.4, against table 3-10).
 */
const TABLE = `CPRUB Success
D Normal disconnection
S Granted QoS 0
S Granted QoS 1
S Granted QoS 2
d Disconnect with Will Message
P No matching subscribers
U No subscription existed
A Continue authentication
a Re-authenticate
CPSUD Unspecified error
CD Malformed Packet
CD Protocol Error
CPSUD Implementation specific error
C Unsupported Protocol Version
C Client Identifier not valid
C Bad User Name or Password
CPSUE Not authorized
C Server unavailable
CE Server busy
C Banned
E Server shutting down
CD Bad authentication method
E Keep Alive timeout
E Session taken over
SUE Topic Filter invalid
CPD Topic Name invalid
PSU Packet Identifier in use
R Packet Identifier not found
D Receive Maximum exceeded
D Topic Alias invalid
CD Packet too large
D Message rate too high
CPSD Quota exceeded
D Administrative action
CPD Payload format invalid
CE Retain not supported
CD QoS not supported
CE Use another server
CE Server moved
SE Shared Subscriptions not supported
CE Connection rate exceeded
E Maximum connect time
SE Subscription Identifiers not supported
SE Wildcard Subscriptions not supported`;

/** The values of the first lines; the others go on from 0x80. */
const VALUES: readonly number[] = [0, 0, 0, 1, 2, 0x04, 0x10, 0x11, 0x18, 0x19];
/** The lines of the table. */
const ROWS = /* @__PURE__ */ TABLE.split('\n').map((line, index) => {
  const [letters, ...words] = line.split(' ');
  return {
    value: VALUES[index] ?? 0x80 + index - VALUES.length,
    name: words.join(' '),
    places: placesOf(letters),
  };
});

/** All 43 values in 45 names. */
export const REASON_CODES: readonly ReasonCodeRow[] = /* @__PURE__ */ ROWS.map(({ value, name, places }) => ({
  value,
  name,
  packets: PACKET_NAMES.filter((packet) => isIn(places, packet)),
}));

/** The places of each value. */
const ALLOWED = /* @__PURE__ */ allowedByValue();

/**
 * The name of a Reason Code as the standard prints it, e.g. "Not authorized".
 *
 * `packet` chooses among the three names of 0x00. A value that is no Reason Code reads "Reason Code 0x7F".
 */
export function reasonCodeName(code: number, packet?: PacketName): string {
  const named = ROWS.filter(({ value }) => value === code);
  const row = named.find(({ places }) => packet !== undefined && isIn(places, packet)) ?? named[0];
  return row?.name ?? `Reason Code ${hexadecimal(code)}`;
}

/** A code as the standard writes it: `0x8A`. */
export function hexadecimal(code: number): string {
  return `0x${hexDigits(code, 2).toUpperCase()}`;
}

/**
 * True when `sender`, or where it is absent either side, may put `code` in a packet of this name in MQTT 5.0; false for
 * packets without Reason Codes.
 */
export function isReasonCodeAllowed(packetName: PacketName, code: number, sender?: Side): boolean {
  return isIn(ALLOWED[code], packetName, sender);
}

/**
 * The CONNACK Return Code of MQTT 3.1 and 3.1.1 that stands for a 5.0 Reason Code.
 *
 * Undefined when none fits: then the server closes without CONNACK [MQTT311-3.2.2-6]. The mapping is Dunlin's,
 * the standards have none.
 */
export function connackReturnCode(reasonCode: number): number | undefined {
  switch (reasonCode) {
    case ReasonCode.success:
      return 0;
    case ReasonCode.unsupportedProtocolVersion:
      return 1;
    case ReasonCode.clientIdentifierNotValid:
      return 2;
    case ReasonCode.serverUnavailable:
    case ReasonCode.serverBusy:
    case ReasonCode.quotaExceeded:
    case ReasonCode.useAnotherServer:
    case ReasonCode.serverMoved:
    case ReasonCode.connectionRateExceeded:
      return 3;
    case ReasonCode.badUserNameOrPassword:
      return 4;
    case ReasonCode.notAuthorized:
    case ReasonCode.banned:
    case ReasonCode.badAuthenticationMethod:
      return 5;
    default:
      return undefined;
  }
}

function allowedByValue(): Int32Array {
  const allowed = new Int32Array(256);
  for (const { value, places } of ROWS) allowed[value] |= places;
  return allowed;
}
