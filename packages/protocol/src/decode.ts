/** Reads every control packet of MQTT 3.1, 3.1.1 and 5.0 and enforces their format (chapter 3). */

import { type DecodeOptions, decodeConnect } from './decode-connect.ts';
import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import { maySend, type PacketTypeRow, packetTypeRow, type Side } from './packet-types.ts';
import {
  type AuthPacket,
  type ConnackPacket,
  type DisconnectPacket,
  NO_PROPERTIES,
  type Packet,
  type ProtocolVersion,
  type PublishAckPacket,
  type PublishPacket,
  type QoS,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
} from './packets.ts';
import { PublishFrame } from './publish-frame.ts';
import { isReasonCodeAllowed } from './reason-codes.ts';

/** What one decode function needs besides its reader. */
interface Context {
  readonly version: ProtocolVersion;
  readonly sender: Side;
}

const RETURN_CODE_MAXIMUM = 5;
const SUBACK_FAILURE = 0x80;
const SHARED_PREFIX = '$share/';

/**
 * Reads the packet in bytes [start, end) whose variable header begins at `bodyStart`, as `receiver` must.
 *
 * Strings are copies; payloads and other binary values are views of `bytes`. Throws `MqttError` only: 'protocol-error'
 * for a packet of the wrong direction; 'malformed-packet' or 'protocol-error' for a fault of format; the codes of
 * `decodeConnect` and `PublishFrame.read`; 'unsupported-protocol-version' when a 5.0 client is answered by a 3.1.1
 * server. Topic Filters are checked as text only: what is wrong with their wildcards is told for each in SUBACK.
 */
export function decodePacket(
  version: ProtocolVersion,
  receiver: Side,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions = {},
): Packet {
  const type = packetTypeRow(bytes[start] >> 4);
  if (type === undefined) throw malformedPacket('Cannot read a packet: its type is 0 [MQTT-2.1.3-1]');
  const sender: Side = receiver === 'server' ? 'client' : 'server';
  checkDirection(type, sender, version);
  checkFlags(type, bytes[start] & 0x0f, version);
  if (type.name === 'connect') return decodeConnect(bytes, start, bodyStart, end, options);
  if (type.name === 'publish') return decodePublish(version, receiver, bytes, start, bodyStart, end, options);

  const reader = new PacketReader(type.title, bytes, bodyStart, end, options.strictText ?? true);
  const packet = decodeBody(type.name, reader, { version, sender });
  reader.finish();
  return packet;
}

function checkDirection(type: PacketTypeRow, sender: Side, version: ProtocolVersion): void {
  if (maySend(type, sender, version)) return;
  if (type.fromBefore5 === 'nobody') {
    throw malformedPacket('Cannot read a packet: type 15 is reserved before MQTT 5.0 [MQTT311-2.2.2-2]');
  }
  throw protocolError(`Cannot accept ${type.title} from the ${sender}: only the other side may send it`);
}

/** In MQTT 3.1 DUP may be set on what is sent again: PUBREL, SUBSCRIBE and UNSUBSCRIBE. */
function checkFlags(type: PacketTypeRow, flags: number, version: ProtocolVersion): void {
  if (type.flags === undefined || flags === type.flags) return;
  if (version === 3 && type.flags === 2 && flags === 10) return;
  throw malformedPacket(`Cannot read ${type.title}: its header flags are ${flags}, not ${type.flags} [MQTT-2.1.3-1]`);
}

function decodeBody(
  name: Exclude<Packet['type'], 'connect' | 'publish'>,
  reader: PacketReader,
  context: Context,
): Packet {
  switch (name) {
    case 'connack':
      return decodeConnack(reader, context);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return decodePublishAck(name, reader, context);
    case 'subscribe':
      return decodeSubscribe(reader, context);
    case 'suback':
      return decodeSuback(reader, context);
    case 'unsubscribe':
      return decodeUnsubscribe(reader, context);
    case 'unsuback':
      return decodeUnsuback(reader, context);
    case 'pingreq':
    case 'pingresp':
      return { type: name };
    case 'disconnect':
      return decodeDisconnect(reader, context);
    case 'auth':
      return decodeAuth(reader, context);
  }
}

function decodePublish(
  version: ProtocolVersion,
  receiver: Side,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions,
): PublishPacket {
  const frame = new PublishFrame(receiver, options);
  frame.read(version, bytes, start, bodyStart, end);
  const { dup, qos, retain, packetId } = frame;
  const topic = frame.topic();
  const properties = frame.properties();
  return {
    type: 'publish',
    dup,
    qos,
    retain,
    topic,
    packetId,
    properties,
    payload: bytes.subarray(frame.payloadStart, end),
  };
}

function decodeConnack(reader: PacketReader, { version }: Context): ConnackPacket {
  const flags = reader.byte('Connect Acknowledge Flags');
  if (flags > 1) throw reader.malformed('a reserved acknowledge flag is 1 [MQTT-3.2.2-1]');
  const reasonCode = reader.byte('Reason Code');
  if (version === 5 && reader.rest === 0 && reasonCode > 0 && reasonCode <= RETURN_CODE_MAXIMUM) {
    const message = `Cannot use MQTT 5.0: the server answered in the form of 3.1.1, Return Code ${reasonCode}`;
    throw new MqttError('unsupported-protocol-version', 0x84, message);
  }
  const allowed =
    version === 5 ? isReasonCodeAllowed('connack', reasonCode, 'server') : reasonCode <= RETURN_CODE_MAXIMUM;
  if (!allowed) throw badReasonCode(reader, reasonCode, '[MQTT-3.2.2-8]');
  const sessionPresent = flags === 1;
  if (sessionPresent && reasonCode !== 0) throw reader.forbidden('Session Present is 1 with a refusal [MQTT-3.2.2-6]');
  const properties = version === 5 ? reader.properties('connack', 'server') : NO_PROPERTIES;
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw reader.forbidden('it has Authentication Data without an Authentication Method (3.2.2.3.18)');
  }
  return { type: 'connack', sessionPresent, reasonCode, properties };
}

/** 5.0 leaves out a code of 0 without properties, and a property length of 0 behind a code. */
function decodePublishAck(
  type: PublishAckPacket['type'],
  reader: PacketReader,
  { version, sender }: Context,
): PublishAckPacket {
  const packetId = reader.packetId();
  if (version !== 5 || reader.rest === 0) return { type, packetId, reasonCode: 0, properties: NO_PROPERTIES };
  const reasonCode = reader.byte('Reason Code');
  if (!isReasonCodeAllowed(type, reasonCode, sender)) {
    throw badReasonCode(reader, reasonCode, '[MQTT-3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1]');
  }
  const properties = reader.rest === 0 ? NO_PROPERTIES : reader.properties(type, sender);
  return { type, packetId, reasonCode, properties };
}

function decodeSubscribe(reader: PacketReader, { version, sender }: Context): SubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? reader.properties('subscribe', sender) : NO_PROPERTIES;
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.rest > 0) {
    const filter = reader.text('Topic Filter');
    const options = reader.byte('Subscription Options');
    subscriptions.push(version === 5 ? readOptions(reader, filter, options) : readQoS(reader, filter, options));
  }
  if (subscriptions.length === 0) throw reader.forbidden('it has no Topic Filter, expected one or more [MQTT-3.8.3-2]');
  return { type: 'subscribe', packetId, properties, subscriptions };
}

function readOptions(reader: PacketReader, filter: string, options: number): SubscriptionRequest {
  if ((options & 0xc0) !== 0) throw reader.malformed('a reserved Subscription Option is 1 [MQTT-3.8.3-5]');
  const qos = options & 3;
  if (qos === 3) throw reader.forbidden('a Maximum QoS is 3, expected 0 to 2 (3.8.3.1)');
  const retainHandling = (options >> 4) & 3;
  if (retainHandling === 3) throw reader.forbidden('a Retain Handling is 3, expected 0 to 2 (3.8.3.1)');
  const noLocal = (options & 4) !== 0;
  if (noLocal && filter.startsWith(SHARED_PREFIX)) {
    throw reader.forbidden('No Local is 1 on a Shared Subscription [MQTT-3.8.3-4]');
  }
  return {
    filter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

function readQoS(reader: PacketReader, filter: string, options: number): SubscriptionRequest {
  if (options > 2) throw reader.malformed(`a Requested QoS byte is ${options}, expected 0 to 2 [MQTT311-3.8.3-4]`);
  return { filter, qos: options as QoS, noLocal: false, retainAsPublished: false, retainHandling: 0 };
}

function decodeSuback(reader: PacketReader, { version, sender }: Context): SubackPacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? reader.properties('suback', sender) : NO_PROPERTIES;
  const reasonCodes = readCodes(reader);
  for (const code of reasonCodes) {
    const allowed = version === 5 ? isReasonCodeAllowed('suback', code, sender) : code <= 2 || code === SUBACK_FAILURE;
    if (!allowed) throw badReasonCode(reader, code, '[MQTT-3.9.3-2]');
  }
  return { type: 'suback', packetId, properties, reasonCodes };
}

function decodeUnsubscribe(reader: PacketReader, { version, sender }: Context): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = version === 5 ? reader.properties('unsubscribe', sender) : NO_PROPERTIES;
  const filters: string[] = [];
  while (reader.rest > 0) filters.push(reader.text('Topic Filter'));
  if (filters.length === 0) throw reader.forbidden('it has no Topic Filter, expected one or more [MQTT-3.10.3-2]');
  return { type: 'unsubscribe', packetId, properties, filters };
}

function decodeUnsuback(reader: PacketReader, { version, sender }: Context): UnsubackPacket {
  const packetId = reader.packetId();
  if (version !== 5) return { type: 'unsuback', packetId, properties: NO_PROPERTIES, reasonCodes: [] };
  const properties = reader.properties('unsuback', sender);
  const reasonCodes = readCodes(reader);
  for (const code of reasonCodes) {
    if (!isReasonCodeAllowed('unsuback', code, sender)) throw badReasonCode(reader, code, '[MQTT-3.11.3-2]');
  }
  return { type: 'unsuback', packetId, properties, reasonCodes };
}

/** The payload of SUBACK and UNSUBACK: one byte for each filter of the request, so one at least. */
function readCodes(reader: PacketReader): number[] {
  if (reader.rest === 0) throw reader.forbidden('it has no Reason Code, expected one for each Topic Filter');
  const codes: number[] = [];
  while (reader.rest > 0) codes.push(reader.byte('Reason Code'));
  return codes;
}

function decodeDisconnect(reader: PacketReader, { version, sender }: Context): DisconnectPacket {
  if (version !== 5 || reader.rest === 0) return { type: 'disconnect', reasonCode: 0, properties: NO_PROPERTIES };
  const reasonCode = reader.byte('Reason Code');
  if (!isReasonCodeAllowed('disconnect', reasonCode, sender)) {
    throw badReasonCode(reader, reasonCode, '[MQTT-3.14.2-1]');
  }
  const properties = reader.rest === 0 ? NO_PROPERTIES : reader.properties('disconnect', sender);
  return { type: 'disconnect', reasonCode, properties };
}

/** The short form cannot occur: it has no room for the Authentication Method, which is required (3.15.2.2.2). */
function decodeAuth(reader: PacketReader, { sender }: Context): AuthPacket {
  if (reader.rest === 0) throw reader.forbidden('it has no Authentication Method (3.15.2.2.2)');
  const reasonCode = reader.byte('Authenticate Reason Code');
  if (!isReasonCodeAllowed('auth', reasonCode, sender)) throw badReasonCode(reader, reasonCode, '[MQTT-3.15.2-1]');
  const properties = reader.properties('auth', sender);
  if (properties.authenticationMethod === undefined) {
    throw reader.forbidden('it has no Authentication Method (3.15.2.2.2)');
  }
  return { type: 'auth', reasonCode, properties };
}

function badReasonCode(reader: PacketReader, code: number, statement: string): MqttError {
  const hex = code.toString(16).toUpperCase().padStart(2, '0');
  return reader.forbidden(`code 0x${hex} has no place in it or is not for its sender ${statement}`);
}
