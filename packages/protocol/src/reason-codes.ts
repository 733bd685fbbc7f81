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
 * Every Reason Code, by value, from table 2-6 and the tables of the packets: its name, and in `PLACES`, in the same order, the
 * letters of `placesOf`. They are apart since a client in a browser has no names.
 *
 * Where the tables disagree the wider reading stands, since it decides what is accepted: DISCONNECT may carry 0x8C (only
 * table 2-6 has it) and a client may send DISCONNECT 0x9B (text of section 3.3.4, against table 3-10).
 */
const NAMES = `Success
Normal disconnection
Granted QoS 0
Granted QoS 1
Granted QoS 2
Disconnect with Will Message
No matching subscribers
No subscription existed
Continue authentication
Re-authenticate
Unspecified error
Malformed Packet
Protocol Error
Implementation specific error
Unsupported Protocol Version
Client Identifier not valid
Bad User Name or Password
Not authorized
Server unavailable
Server busy
Banned
Server shutting down
Bad authentication method
Keep Alive timeout
Session taken over
Topic Filter invalid
Topic Name invalid
Packet Identifier in use
Packet Identifier not found
Receive Maximum exceeded
Topic Alias invalid
Packet too large
Message rate too high
Quota exceeded
Administrative action
Payload format invalid
Retain not supported
QoS not supported
Use another server
Server moved
Shared Subscriptions not supported
Connection rate exceeded
Maximum connect time
Subscription Identifiers not supported
Wildcard Subscriptions not supported`;
const PLACES = `CPRUB D S S S d P U A a CPSUD CD CD CPSUD C C C CPSUE C CE C E CD E E SUE CPD PSU R D D CD D CPSD D
CPD CE CD CE CE SE CE E SE SE`;

/** The values of the first rows; the others go on from 0x80. */
const VALUES: readonly number[] = [0, 0, 0, 1, 2, 0x04, 0x10, 0x11, 0x18, 0x19];
/** Value and places of each row. */
const ROWS = /* @__PURE__ */ PLACES.split(/\s/).map((letters, index) => ({
  value: VALUES[index] ?? 0x80 + index - VALUES.length,
  places: placesOf(letters),
}));

const NAMED = /* @__PURE__ */ NAMES.split('\n').map((name, index) => ({ ...ROWS[index], name }));

/** All 43 values in 45 names. */
export const REASON_CODES: readonly ReasonCodeRow[] = /* @__PURE__ */ NAMED.map(({ value, name, places }) => ({
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
  const rows = NAMED.filter(({ value }) => value === code);
  const row = rows.find(({ places }) => packet !== undefined && isIn(places, packet)) ?? rows[0];
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
