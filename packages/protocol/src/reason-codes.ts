/** The closed set of MQTT 5.0 Reason Codes: values, names, which packet may carry which (section 2.4). */

import type { PacketName, Side } from './packet-types.ts';

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
  readonly key: keyof typeof ReasonCode;
  /** As the standard prints it. */
  readonly name: string;
  /** Packets that may carry it under this name. */
  readonly packets: readonly PacketName[];
  /** Who may send it in DISCONNECT; undefined: nobody. */
  readonly disconnectFrom?: Side | 'both';
  /** Who may send it in AUTH; undefined: nobody. */
  readonly authFrom?: Side | 'both';
}

/**
 * Every Reason Code, by value, from table 2-6 and the tables of the packets.
 *
 * Where these disagree the wider reading stands, since it decides what is accepted: DISCONNECT may carry 0x8C (only
 * table 2-6 has it) and a client may send DISCONNECT 0x9B (text of section 3.3.4, against table 3-10).
 */
export const REASON_CODES: readonly ReasonCodeRow[] = [
  row('success', 'Success', 'connack puback pubrec pubrel pubcomp unsuback auth', undefined, 'server'),
  row('normalDisconnection', 'Normal disconnection', 'disconnect', 'both'),
  row('grantedQoS0', 'Granted QoS 0', 'suback'),
  row('grantedQoS1', 'Granted QoS 1', 'suback'),
  row('grantedQoS2', 'Granted QoS 2', 'suback'),
  row('disconnectWithWillMessage', 'Disconnect with Will Message', 'disconnect', 'client'),
  row('noMatchingSubscribers', 'No matching subscribers', 'puback pubrec'),
  row('noSubscriptionExisted', 'No subscription existed', 'unsuback'),
  row('continueAuthentication', 'Continue authentication', 'auth', undefined, 'both'),
  row('reAuthenticate', 'Re-authenticate', 'auth', undefined, 'client'),
  row('unspecifiedError', 'Unspecified error', 'connack puback pubrec suback unsuback disconnect', 'both'),
  row('malformedPacket', 'Malformed Packet', 'connack disconnect', 'both'),
  row('protocolError', 'Protocol Error', 'connack disconnect', 'both'),
  row(
    'implementationSpecificError',
    'Implementation specific error',
    'connack puback pubrec suback unsuback disconnect',
    'both',
  ),
  row('unsupportedProtocolVersion', 'Unsupported Protocol Version', 'connack'),
  row('clientIdentifierNotValid', 'Client Identifier not valid', 'connack'),
  row('badUserNameOrPassword', 'Bad User Name or Password', 'connack'),
  row('notAuthorized', 'Not authorized', 'connack puback pubrec suback unsuback disconnect', 'server'),
  row('serverUnavailable', 'Server unavailable', 'connack'),
  row('serverBusy', 'Server busy', 'connack disconnect', 'server'),
  row('banned', 'Banned', 'connack'),
  row('serverShuttingDown', 'Server shutting down', 'disconnect', 'server'),
  row('badAuthenticationMethod', 'Bad authentication method', 'connack disconnect', 'both'),
  row('keepAliveTimeout', 'Keep Alive timeout', 'disconnect', 'server'),
  row('sessionTakenOver', 'Session taken over', 'disconnect', 'server'),
  row('topicFilterInvalid', 'Topic Filter invalid', 'suback unsuback disconnect', 'server'),
  row('topicNameInvalid', 'Topic Name invalid', 'connack puback pubrec disconnect', 'both'),
  row('packetIdentifierInUse', 'Packet Identifier in use', 'puback pubrec suback unsuback'),
  row('packetIdentifierNotFound', 'Packet Identifier not found', 'pubrel pubcomp'),
  row('receiveMaximumExceeded', 'Receive Maximum exceeded', 'disconnect', 'both'),
  row('topicAliasInvalid', 'Topic Alias invalid', 'disconnect', 'both'),
  row('packetTooLarge', 'Packet too large', 'connack disconnect', 'both'),
  row('messageRateTooHigh', 'Message rate too high', 'disconnect', 'both'),
  row('quotaExceeded', 'Quota exceeded', 'connack puback pubrec suback disconnect', 'both'),
  row('administrativeAction', 'Administrative action', 'disconnect', 'both'),
  row('payloadFormatInvalid', 'Payload format invalid', 'connack puback pubrec disconnect', 'both'),
  row('retainNotSupported', 'Retain not supported', 'connack disconnect', 'server'),
  row('qosNotSupported', 'QoS not supported', 'connack disconnect', 'both'),
  row('useAnotherServer', 'Use another server', 'connack disconnect', 'server'),
  row('serverMoved', 'Server moved', 'connack disconnect', 'server'),
  row('sharedSubscriptionsNotSupported', 'Shared Subscriptions not supported', 'suback disconnect', 'server'),
  row('connectionRateExceeded', 'Connection rate exceeded', 'connack disconnect', 'server'),
  row('maximumConnectTime', 'Maximum connect time', 'disconnect', 'server'),
  row('subscriptionIdentifiersNotSupported', 'Subscription Identifiers not supported', 'suback disconnect', 'server'),
  row('wildcardSubscriptionsNotSupported', 'Wildcard Subscriptions not supported', 'suback disconnect', 'server'),
];

const FROM_CLIENT = 1;
const FROM_SERVER = 2;
const FROM = { client: FROM_CLIENT, server: FROM_SERVER, both: FROM_CLIENT | FROM_SERVER } as const;
/** For each packet 256 bytes, one a code, which say who may send it: the check runs on every acknowledgement. */
const ALLOWED = allowedByPacket();

/**
 * The name of a Reason Code as the standard prints it, e.g. "Not authorized".
 *
 * `packet` chooses among the three names of 0x00. A value that is no Reason Code reads "Reason Code 0x7F".
 */
export function reasonCodeName(code: number, packet?: PacketName): string {
  const rows = REASON_CODES.filter((candidate) => candidate.value === code);
  const named = rows.find((candidate) => packet !== undefined && candidate.packets.includes(packet)) ?? rows[0];
  return named?.name ?? `Reason Code 0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** True when `sender` may put `code` in a packet of this name in MQTT 5.0; false for packets without Reason Codes. */
export function isReasonCodeAllowed(packetName: PacketName, code: number, sender: Side): boolean {
  const codes = ALLOWED[packetName];
  return codes !== undefined && (codes[code] & FROM[sender]) !== 0;
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

function row(
  key: keyof typeof ReasonCode,
  name: string,
  packets: string,
  disconnectFrom?: Side | 'both',
  authFrom?: Side | 'both',
): ReasonCodeRow {
  return { value: ReasonCode[key], key, name, packets: packets.split(' ') as PacketName[], disconnectFrom, authFrom };
}

function allowedByPacket(): Partial<Record<PacketName, Uint8Array>> {
  const allowed: Partial<Record<PacketName, Uint8Array>> = {};
  for (const entry of REASON_CODES) {
    for (const packet of entry.packets) {
      const codes = allowed[packet] ?? new Uint8Array(256);
      codes[entry.value] |= FROM[senderOf(entry, packet)];
      allowed[packet] = codes;
    }
  }
  return allowed;
}

function senderOf(entry: ReasonCodeRow, packet: PacketName): Side | 'both' {
  if (packet === 'disconnect') return entry.disconnectFrom ?? 'both';
  if (packet === 'auth') return entry.authFrom ?? 'both';
  return packet === 'connack' || packet === 'suback' || packet === 'unsuback' ? 'server' : 'both';
}
