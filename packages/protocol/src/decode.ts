/** Reads every control packet of MQTT 3.1, 3.1.1 and 5.0 and enforces their format (chapter 3). */

import { type DecodeOptions, decodeConnect, textCheck } from './decode-connect.ts';
import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import { fixedFlags, PACKET_NAMES, type PacketName, PacketType, type Side } from './packet-types.ts';
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
import { readPropertyBlock } from './property-block.ts';
import { hexadecimal, isReasonCodeAllowed } from './reason-codes.ts';
import { checkTopicField } from './topic.ts';
import type { TextCheck } from './utf8.ts';

const RETURN_CODE_MAXIMUM = 5;
const SUBACK_FAILURE = 0x80;
const SHARED_PREFIX = '$share/';

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
  return receiver === 'server'
    ? decodeClientPacket(version, bytes, start, bodyStart, end, options)
    : decodeServerPacket(version, bytes, start, bodyStart, end, textCheck(options));
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
  return decodeWith(decodeClientBody, 'client', version, bytes, start, bodyStart, end, textCheck(options));
}

/** Reads what a server sent, as a client does; see `decodePacket`. Without `checkText` any UTF-8 String is right. */
export function decodeServerPacket(
  version: ProtocolVersion,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  checkText?: TextCheck,
): Packet {
  return decodeWith(decodeServerBody, 'server', version, bytes, start, bodyStart, end, checkText);
}

/** `decodeSided` reads what only one side sends, and gives undefined for every other type. */
function decodeWith(
  decodeSided: (reader: PacketReader) => Packet | undefined,
  sender: Side,
  version: ProtocolVersion,
  bytes: Uint8Array,
  start: number,
  bodyStart: number,
  end: number,
  checkText: TextCheck | undefined,
): Packet {
  const type = bytes[start] >> 4;
  const flags = bytes[start] & 0x0f;
  if (type === 0) throw malformedPacket('Cannot read a packet: its type is 0 [MQTT-2.1.3-1]');
  const reader = new PacketReader(PACKET_NAMES[type - 1], sender, version, bytes, bodyStart, end, checkText);
  if (type === PacketType.publish) return decodePublish(reader, flags);
  const expected = fixedFlags(type);
  // In MQTT 3.1 DUP may be set on what is sent again: PUBREL, SUBSCRIBE and UNSUBSCRIBE.
  if (flags !== expected && !(reader.version === 3 && expected === 2 && flags === 10)) {
    throw reader.malformed(`its header flags are ${flags}, not ${expected} [MQTT-2.1.3-1]`);
  }
  const packet = decodeSided(reader) ?? decodeEither(reader);
  reader.finish();
  return packet;
}

function decodeClientBody(reader: PacketReader): Packet | undefined {
  switch (reader.carrier) {
    case 'subscribe':
      return decodeSubscribe(reader);
    case 'unsubscribe':
      return decodeUnsubscribe(reader);
    case 'pingreq':
      return { type: 'pingreq' };
  }
  return undefined;
}

function decodeServerBody(reader: PacketReader): Packet | undefined {
  const { carrier } = reader;
  switch (carrier) {
    case 'connack':
      return decodeConnack(reader);
    case 'suback':
    case 'unsuback':
      return decodeRequestAck(reader, carrier);
    case 'pingresp':
      return { type: carrier };
  }
  return undefined;
}

/** What both sides send. */
function decodeEither(reader: PacketReader): Packet {
  const { carrier, version, sender } = reader;
  switch (carrier) {
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return readReason(reader, {
        type: carrier,
        packetId: reader.packetId(),
        reasonCode: 0,
        properties: NO_PROPERTIES,
      });
    case 'disconnect':
      if (version !== 5 && sender === 'server') break;
      return readReason(reader, { type: carrier, reasonCode: 0, properties: NO_PROPERTIES });
    case 'auth':
      if (version === 5) return decodeAuth(reader);
      throw reader.malformed('its type is reserved before MQTT 5.0 [MQTT311-2.2.2-2]');
  }
  throw protocolError(`Cannot accept ${reader.title}: a ${sender} may not send it`);
}

function decodePublish(reader: PacketReader, flags: number): PublishPacket {
  const qos = (flags >> 1) & 3;
  const dup = qos > 0 && flags >= 8;
  if (qos === 3) throw reader.malformed('its QoS is 3 [MQTT-3.3.1-4]');
  if (qos === 0 && flags >= 8 && reader.version !== 3) throw reader.malformed('DUP is 1 with QoS 0 [MQTT-3.3.1-2]');
  const topic = reader.text('Topic Name');
  if (topic !== '') checkTopicField(topic, 'Topic Name');
  const packetId = qos > 0 ? reader.packetId() : 0;
  const properties = readPropertyBlock(reader);
  if (topic === '' && properties.topicAlias === undefined) {
    throw reader.forbidden('its Topic Name is empty and it has no Topic Alias (3.3.2.1)');
  }
  const payload = reader.bytes.subarray(reader.at, reader.end);
  return { type: 'publish', dup, qos: qos as QoS, retain: (flags & 1) === 1, topic, packetId, properties, payload };
}

/** A code that the packet may carry from its sender; before 5.0 those that `isKnown` says. */
function readCode(reader: PacketReader, isKnown: (code: number) => boolean): number {
  const code = reader.byte('Reason Code');
  const carrier = reader.carrier as PacketName;
  if (reader.version === 5 ? isReasonCodeAllowed(carrier, code, reader.sender) : isKnown(code)) return code;
  throw reader.forbidden(`a ${reader.sender} may not send code ${hexadecimal(code)} in it (2.4)`);
}

function decodeConnack(reader: PacketReader): ConnackPacket {
  const flags = reader.byte('flags');
  if (flags > 1) throw reader.malformed('a reserved acknowledge flag is 1 [MQTT-3.2.2-1]');
  const found = reader.bytes[reader.at];
  if (reader.version === 5 && reader.rest === 1 && isReturnCode(found) && found > 0) {
    const message = `Cannot use MQTT 5.0: the server answered as 3.1.1, Return Code ${found}`;
    throw new MqttError('unsupported-protocol-version', 0x84, message);
  }
  const reasonCode = readCode(reader, isReturnCode);
  const sessionPresent = flags === 1;
  if (sessionPresent && reasonCode !== 0) throw reader.forbidden('Session Present is 1 with a refusal [MQTT-3.2.2-6]');
  const properties = readPropertyBlock(reader);
  return { type: 'connack', sessionPresent, reasonCode, properties };
}

function isReturnCode(code: number): boolean {
  return code <= RETURN_CODE_MAXIMUM;
}

function isGranted(code: number): boolean {
  return code <= 2 || code === SUBACK_FAILURE;
}

/** 5.0 leaves out a code of 0 without properties, and a property length of 0 behind a code; before there is neither. */
function readReason<P extends PublishAckPacket | DisconnectPacket>(reader: PacketReader, packet: P): P {
  if (reader.version !== 5 || reader.rest === 0) return packet;
  packet.reasonCode = readCode(reader, isGranted);
  if (reader.rest > 0) packet.properties = readPropertyBlock(reader);
  return packet;
}

function decodeSubscribe(reader: PacketReader): SubscribePacket {
  const packetId = reader.packetId();
  const properties = readPropertyBlock(reader);
  const subscriptions: SubscriptionRequest[] = [];
  while (reader.rest > 0) {
    const filter = reader.text('Topic Filter');
    const options = reader.byte('Subscription Options');
    subscriptions.push(reader.version === 5 ? readOptions(reader, filter, options) : readQoS(reader, filter, options));
  }
  if (subscriptions.length === 0) throw reader.forbidden('it has no Topic Filter [MQTT-3.8.3-2]');
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
function decodeRequestAck(reader: PacketReader, type: 'suback' | 'unsuback'): SubackPacket | UnsubackPacket {
  const packetId = reader.packetId();
  const properties = readPropertyBlock(reader);
  const reasonCodes: number[] = [];
  if (type === 'unsuback' && reader.version !== 5) return { type, packetId, properties, reasonCodes };
  if (reader.rest === 0) throw reader.forbidden('it has no Reason Code');
  while (reader.rest > 0) reasonCodes.push(readCode(reader, isGranted));
  return { type, packetId, properties, reasonCodes };
}

function decodeUnsubscribe(reader: PacketReader): UnsubscribePacket {
  const packetId = reader.packetId();
  const properties = readPropertyBlock(reader);
  const filters: string[] = [];
  while (reader.rest > 0) filters.push(reader.text('Topic Filter'));
  if (filters.length === 0) throw reader.forbidden('it has no Topic Filter [MQTT-3.10.3-2]');
  return { type: 'unsubscribe', packetId, properties, filters };
}

/** The short form cannot occur: it has no room for the Authentication Method, which is required (3.15.2.2.2). */
function decodeAuth(reader: PacketReader): AuthPacket {
  const isShort = reader.rest === 0;
  const reasonCode = isShort ? 0 : readCode(reader, isGranted);
  const properties = isShort ? NO_PROPERTIES : readPropertyBlock(reader);
  if (properties.authenticationMethod === undefined) {
    throw reader.forbidden('it has no Authentication Method (3.15.2.2.2)');
  }
  return { type: 'auth', reasonCode, properties };
}
