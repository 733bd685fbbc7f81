/** Reads every control packet of MQTT 3.1, 3.1.1 and 5.0 and enforces their format (chapter 3). */

import { type DecodeOptions, decodeConnect } from './decode-connect.ts';
import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import { fixedFlags, PACKET_NAMES, type PacketName, PacketType, type Side } from './packet-types.ts';
import {
  type AuthPacket,
  type ConnackPacket,
  NO_PROPERTIES,
  type Packet,
  type Properties,
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
import type { PropertyCarrier } from './properties.ts';
import { readPropertyBlock } from './property-block.ts';
import { hexadecimal, isReasonCodeAllowed } from './reason-codes.ts';
import { checkTopicField } from './topic.ts';

/** What one decode function needs besides its reader. */
interface Context {
  readonly version: ProtocolVersion;
  readonly sender: Side;
}

const RETURN_CODE_MAXIMUM = 5;
const SUBACK_FAILURE = 0x80;
const SHARED_PREFIX = '$share/';
const ACK_STATEMENTS = '[MQTT-3.4.2-1, 3.5.2-1, 3.6.2-1, 3.7.2-1]';

/**
 * Reads the packet in bytes [start, end) whose variable header begins at `bodyStart`, as `receiver` must; whoever is
 * only one of the two takes `decodeClientPacket` or `decodeServerPacket`.
 *
 * Strings are copies; payloads and other binary values are views of `bytes`. Throws `MqttError` only: 'protocol-error'
 * for a packet of the wrong direction; 'malformed-packet' or 'protocol-error' for a fault of format; the codes of
 * `decodeConnect` and `readProperties`; 'topic-name-invalid' for a wildcard in a Topic Name;
 * 'unsupported-protocol-version' when a 5.0 client is answered by a 3.1.1 server. Topic Filters are checked as text
 * only: what is wrong with their wildcards is told for each in SUBACK.
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
  const decode = receiver === 'server' ? decodeClientPacket : decodeServerPacket;
  return decode(version, bytes, start, bodyStart, end, options);
}

/** Reads what a client sent, as a server does; see `decodePacket`. */
export function decodeClientPacket(
  version: ProtocolVersion,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions = {},
): Packet {
  if (bytes[start] >> 4 === PacketType.connect) return decodeConnect(bytes, start, bodyStart, end, options);
  return decodeWith(decodeClientBody, { version, sender: 'client' }, bytes, start, bodyStart, end, options);
}

/** Reads what a server sent, as a client does; see `decodePacket`. */
export function decodeServerPacket(
  version: ProtocolVersion,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions = {},
): Packet {
  return decodeWith(decodeServerBody, { version, sender: 'server' }, bytes, start, bodyStart, end, options);
}

/** Reads what only one side sends; undefined for every other type. */
type DecodeBody = (name: PacketName, reader: PacketReader, context: Context) => Packet | undefined;

function decodeWith(
  decodeBody: DecodeBody,
  context: Context,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  options: DecodeOptions,
): Packet {
  const type = bytes[start] >> 4;
  if (type === 0) throw malformedPacket('Cannot read a packet: its type is 0 [MQTT-2.1.3-1]');
  const name = PACKET_NAMES[type - 1];
  const reader = new PacketReader(name.toUpperCase(), bytes, bodyStart, end, options.strictText ?? true);
  const flags = bytes[start] & 0x0f;
  if (name === 'publish') return decodePublish(reader, flags, context);
  checkFlags(reader, type, flags, context.version);
  const packet = decodeBody(name, reader, context) ?? decodeEither(name, reader, context);
  reader.finish();
  return packet;
}

/** In MQTT 3.1 DUP may be set on what is sent again: PUBREL, SUBSCRIBE and UNSUBSCRIBE. */
function checkFlags(reader: PacketReader, type: number, flags: number, version: ProtocolVersion): void {
  const expected = fixedFlags(type);
  if (flags === expected || (version === 3 && expected === 2 && flags === 10)) return;
  throw reader.malformed(`its header flags are ${flags}, not ${expected} [MQTT-2.1.3-1]`);
}

function decodeClientBody(name: PacketName, reader: PacketReader, context: Context): Packet | undefined {
  switch (name) {
    case 'subscribe':
      return decodeSubscribe(reader, context);
    case 'unsubscribe':
      return decodeUnsubscribe(reader, context);
    case 'pingreq':
      return { type: name };
  }
  return undefined;
}

function decodeServerBody(name: PacketName, reader: PacketReader, context: Context): Packet | undefined {
  switch (name) {
    case 'connack':
      return decodeConnack(reader, context);
    case 'suback':
    case 'unsuback':
      return decodeRequestAck(name, reader, context);
    case 'pingresp':
      return { type: name };
  }
  return undefined;
}

/** What both sides send. */
function decodeEither(name: PacketName, reader: PacketReader, context: Context): Packet {
  switch (name) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return { type: name, packetId: reader.packetId(), ...readReason(reader, name, context, ACK_STATEMENTS) };
    case 'disconnect':
      if (context.version !== 5 && context.sender === 'server') break;
      return { type: name, ...readReason(reader, name, context, '[MQTT-3.14.2-1]') };
    case 'auth':
      if (context.version === 5) return decodeAuth(reader, context);
      throw malformedPacket('Cannot read a packet: type 15 is reserved before MQTT 5.0 [MQTT311-2.2.2-2]');
  }
  throw protocolError(`Cannot accept ${reader.title} from the ${context.sender}: only the other side may send it`);
}

function decodePublish(reader: PacketReader, flags: number, context: Context): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = qos > 0 && flags >= 8;
  if (qos === 3) throw reader.malformed('its QoS is 3 [MQTT-3.3.1-4]');
  if (qos === 0 && flags >= 8 && context.version !== 3) throw reader.malformed('DUP is 1 with QoS 0 [MQTT-3.3.1-2]');
  const topic = reader.text('Topic Name');
  if (topic !== '') checkTopicField(topic, 'Topic Name');
  const packetId = qos > 0 ? reader.packetId() : 0;
  const properties = readProperties(reader, 'publish', context);
  if (topic === '' && properties.topicAlias === undefined) {
    throw reader.forbidden('its Topic Name is empty and it has no Topic Alias (3.3.2.1)');
  }
  const payload = reader.bytes.subarray(reader.at, reader.end);
  return { type: 'publish', dup, qos: qos as QoS, retain: (flags & 1) === 1, topic, packetId, properties, payload };
}

/** The property block of a 5.0 packet; none before. */
function readProperties(reader: PacketReader, carrier: PropertyCarrier, { version, sender }: Context): Properties {
  return version === 5 ? readPropertyBlock(reader, carrier, sender) : NO_PROPERTIES;
}

/** A code that the packet may carry from its sender; before 5.0 those that `isKnown` says. */
function readCode(
  reader: PacketReader,
  packet: PacketName,
  { version, sender }: Context,
  isKnown: (code: number) => boolean,
  statement: string,
): number {
  const code = reader.byte('Reason Code');
  if (version === 5 ? isReasonCodeAllowed(packet, code, sender) : isKnown(code)) return code;
  throw reader.forbidden(`code ${hexadecimal(code)} has no place in it or is not for its sender ${statement}`);
}

function decodeConnack(reader: PacketReader, context: Context): ConnackPacket {
  const flags = reader.byte('Connect Acknowledge Flags');
  if (flags > 1) throw reader.malformed('a reserved acknowledge flag is 1 [MQTT-3.2.2-1]');
  const found = reader.bytes[reader.at];
  if (context.version === 5 && reader.rest === 1 && isReturnCode(found) && found > 0) {
    const message = `Cannot use MQTT 5.0: the server answered in the form of 3.1.1, Return Code ${found}`;
    throw new MqttError('unsupported-protocol-version', 0x84, message);
  }
  const reasonCode = readCode(reader, 'connack', context, isReturnCode, '[MQTT-3.2.2-8]');
  const sessionPresent = flags === 1;
  if (sessionPresent && reasonCode !== 0) throw reader.forbidden('Session Present is 1 with a refusal [MQTT-3.2.2-6]');
  const properties = readProperties(reader, 'connack', context);
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    throw reader.forbidden('it has Authentication Data without an Authentication Method (3.2.2.3.18)');
  }
  return { type: 'connack', sessionPresent, reasonCode, properties };
}

function isReturnCode(code: number): boolean {
  return code <= RETURN_CODE_MAXIMUM;
}

function isGranted(code: number): boolean {
  return code <= 2 || code === SUBACK_FAILURE;
}

/** 5.0 leaves out a code of 0 without properties, and a property length of 0 behind a code; before there is neither. */
function readReason(
  reader: PacketReader,
  packet: PublishAckPacket['type'] | 'disconnect',
  context: Context,
  statement: string,
): { reasonCode: number; properties: Properties } {
  const isShort = context.version !== 5 || reader.rest === 0;
  const reasonCode = isShort ? 0 : readCode(reader, packet, context, isGranted, statement);
  const properties = isShort || reader.rest === 0 ? NO_PROPERTIES : readProperties(reader, packet, context);
  return { reasonCode, properties };
}

function decodeSubscribe(reader: PacketReader, context: Context): SubscribePacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'subscribe', context);
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.rest > 0) {
    const filter = reader.text('Topic Filter');
    const options = reader.byte('Subscription Options');
    subscriptions.push(context.version === 5 ? readOptions(reader, filter, options) : readQoS(reader, filter, options));
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

/** One code for each Topic Filter of the request; UNSUBACK has none before 5.0. */
function decodeRequestAck(
  type: 'suback' | 'unsuback',
  reader: PacketReader,
  context: Context,
): SubackPacket | UnsubackPacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, type, context);
  const reasonCodes: number[] = [];
  if (type === 'unsuback' && context.version !== 5) return { type, packetId, properties, reasonCodes };
  const statement = type === 'suback' ? '[MQTT-3.9.3-2]' : '[MQTT-3.11.3-2]';
  if (reader.rest === 0) throw reader.forbidden('it has no Reason Code, expected one for each Topic Filter');
  while (reader.rest > 0) reasonCodes.push(readCode(reader, type, context, isGranted, statement));
  return { type, packetId, properties, reasonCodes };
}

function decodeUnsubscribe(reader: PacketReader, context: Context): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = readProperties(reader, 'unsubscribe', context);
  const filters: string[] = [];
  while (reader.rest > 0) filters.push(reader.text('Topic Filter'));
  if (filters.length === 0) throw reader.forbidden('it has no Topic Filter, expected one or more [MQTT-3.10.3-2]');
  return { type: 'unsubscribe', packetId, properties, filters };
}

/** The short form cannot occur: it has no room for the Authentication Method, which is required (3.15.2.2.2). */
function decodeAuth(reader: PacketReader, context: Context): AuthPacket {
  const isShort = reader.rest === 0;
  const reasonCode = isShort ? 0 : readCode(reader, 'auth', context, isGranted, '[MQTT-3.15.2-1]');
  const properties = isShort ? NO_PROPERTIES : readProperties(reader, 'auth', context);
  if (properties.authenticationMethod === undefined) {
    throw reader.forbidden('it has no Authentication Method (3.15.2.2.2)');
  }
  return { type: 'auth', reasonCode, properties };
}
