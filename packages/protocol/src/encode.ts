/** Writes every control packet of MQTT 3.1, 3.1.1 and 5.0 (chapter 3). */

import { checkFields } from './packet-fields.ts';
import { fixedFlags, type PacketName, PacketType } from './packet-types.ts';
import { PacketWriter } from './packet-writer.ts';
import type {
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  ProtocolVersion,
  PublishAckPacket,
  PublishPacket,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
  Will,
} from './packets.ts';
import { writePropertyBlock } from './property-block.ts';
import { connackReturnCode, hexadecimal, isReasonCodeAllowed } from './reason-codes.ts';
import { checkTopicField } from './topic.ts';

const RETURN_CODE_MAXIMUM = 5;
const SUBACK_FAILURE = 0x80;
const BRIDGE_BIT = 0x80;
const SHARED_PREFIX = '$share/';
/** Lengths, Packet Identifier and a few properties. */
const PUBLISH_EXTRA_BYTES = 64;

/**
 * The packet's bytes, in memory of its own. CONNECT is written in its own `protocolVersion`.
 *
 * Before 5.0 properties are dropped and codes adapted: CONNACK by `connackReturnCode`, SUBACK from 0x80 on as 0x80, all
 * other codes are left out. In 5.0 acknowledgements and DISCONNECT take their short forms where code and properties
 * allow. Throws `MqttError`, mostly 'protocol-error' or 'malformed-packet', for a packet its receiver would have to
 * refuse, 'packet-too-large' above 268435455 bytes of body. Direction and wildcards of filters are not judged.
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  checkFields(packet, version);
  const writer = writerFor(packet);
  writeEither(writer, packet, version);
  return writer.bytes.subarray(0, writer.length);
}

/** With room for a PUBLISH, so that its payload is copied once. */
function writerFor(packet: Packet): PacketWriter {
  return packet.type === 'publish'
    ? new PacketWriter(3 * packet.topic.length + packet.payload.length + PUBLISH_EXTRA_BYTES)
    : new PacketWriter();
}

/** Appends a packet of either side; see `encodePacket`. After a throw nothing of it is there. */
export function writePacket(writer: PacketWriter, packet: Packet, version: ProtocolVersion): void {
  checkFields(packet, version);
  writeEither(writer, packet, version);
}

function writeEither(writer: PacketWriter, packet: Packet, version: ProtocolVersion): void {
  writeWith(writeEitherBody, writer, packet, version);
}

/** The packets that a client may send. */
export type ClientPacket = Exclude<Packet, { type: 'connack' | 'suback' | 'unsuback' | 'pingresp' }>;

/** Appends a packet that a client sends; see `writePacket`. */
export function writeClientPacket(writer: PacketWriter, packet: ClientPacket, version: ProtocolVersion): void {
  writeWith(writeClientBody, writer, packet, version);
}

function writeWith<Some extends Packet>(
  writeBody: (writer: PacketWriter, packet: Some) => void,
  writer: PacketWriter,
  packet: Some,
  version: ProtocolVersion,
): void {
  const start = writer.length;
  const type = PacketType[packet.type];
  let flags: number;
  let guess = 0;
  if (packet.type !== 'publish') flags = fixedFlags(type);
  else {
    flags = (packet.dup ? 8 : 0) | (packet.qos << 1) | (packet.retain ? 1 : 0);
    // Of a topic in ASCII without properties, so that most payloads are copied once.
    guess = packet.topic.length + packet.payload.length + 5;
  }
  writer.carrier = packet.type;
  writer.version = version;
  try {
    writer.byte((type << 4) | flags);
    const body = writer.openBlock(guess);
    writeBody(writer, packet);
    writer.closeBlock(body, guess);
  } catch (error) {
    writer.length = start;
    throw error;
  }
}

function writeEitherBody(writer: PacketWriter, packet: Packet): void {
  switch (packet.type) {
    case 'connack':
      writeConnack(writer, packet);
      break;
    case 'suback':
      writeSuback(writer, packet);
      break;
    case 'unsuback':
      writeUnsuback(writer, packet);
      break;
    case 'pingresp':
      break;
    default:
      writeClientBody(writer, packet);
  }
}

function writeClientBody(writer: PacketWriter, packet: ClientPacket): void {
  switch (packet.type) {
    case 'connect':
      writeConnect(writer, packet);
      break;
    case 'publish':
      writePublish(writer, packet);
      break;
    case 'subscribe':
    case 'unsubscribe':
      writeRequest(writer, packet);
      break;
    case 'pingreq':
      break;
    default:
      writeReason(writer, packet);
  }
}

/**
 * The packet's bytes when they fit the receiver's Maximum Packet Size, else undefined.
 *
 * From a packet other than PUBLISH that is too large the Reason String is left out, then the User Properties
 * [MQTT-3.2.2-19, 3.2.2-20 and their like for each packet]. `omitProblemInformation` leaves both out at once from
 * everything but PUBLISH, CONNACK and DISCONNECT, as Request Problem Information 0 asks [MQTT-3.1.2-29].
 */
export function encodeWithin(
  packet: Packet,
  version: ProtocolVersion,
  maximumPacketSize: number,
  omitProblemInformation = false,
): Uint8Array | undefined {
  checkFields(packet, version);
  const writer = writerFor(packet);
  const admitted = omitProblemInformation ? withoutProblemInformation(packet) : packet;
  return writeFitting(writeEither, writer, admitted, version, maximumPacketSize)
    ? writer.bytes.subarray(0, writer.length)
    : undefined;
}

/** Appends a client's packet as `encodeWithin` shortens it; false where it does not fit, and then nothing is there. */
export function writeClientPacketWithin(
  writer: PacketWriter,
  packet: ClientPacket,
  version: ProtocolVersion,
  maximumPacketSize: number,
): boolean {
  return writeFitting(writeClientPacket, writer, packet, version, maximumPacketSize);
}

function writeFitting<Some extends Packet>(
  write: (writer: PacketWriter, packet: Some, version: ProtocolVersion) => void,
  writer: PacketWriter,
  packet: Some,
  version: ProtocolVersion,
  maximumPacketSize: number,
): boolean {
  const start = writer.length;
  let admitted = packet;
  for (const dropped of ['reasonString', 'userProperties', undefined] as const) {
    write(writer, admitted, version);
    if (writer.length - start <= maximumPacketSize) return true;
    writer.length = start;
    if (dropped === undefined || version !== 5 || !mayShorten(admitted)) break;
    admitted = { ...admitted, properties: { ...admitted.properties, [dropped]: undefined } };
  }
  return false;
}

type Shortenable = Extract<Packet, { reasonCode: number } | { reasonCodes: readonly number[] }>;

/** The packets that may carry a Reason String; in the others User Properties belong to the message or the request. */
function mayShorten<Some extends Packet>(packet: Some): packet is Some & Shortenable {
  return 'reasonCode' in packet || 'reasonCodes' in packet;
}

function withoutProblemInformation(packet: Packet): Packet {
  if (!mayShorten(packet) || packet.type === 'connack' || packet.type === 'disconnect') return packet;
  const { reasonString, userProperties, ...properties } = packet.properties;
  return reasonString === undefined && userProperties === undefined ? packet : { ...packet, properties };
}

function writeConnect(writer: PacketWriter, packet: ConnectPacket): void {
  const { protocolVersion, bridge, cleanStart, keepAlive, username, password, will } = packet;
  writer.version = protocolVersion;
  if (protocolVersion !== 5 && password !== undefined && username === undefined) {
    throw writer.forbidden('a password without a user name needs MQTT 5.0 [MQTT311-3.1.2-22]');
  }
  if (protocolVersion === 5 && bridge) throw writer.forbidden('MQTT 5.0 has no bridge mark');
  writer.text(protocolVersion === 3 ? 'MQIsdp' : 'MQTT', 'Protocol Name');
  writer.byte(protocolVersion | (bridge ? BRIDGE_BIT : 0));
  const credentials = (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  writer.byte(credentials | (will === undefined ? 0 : willFlags(writer, will)) | (cleanStart ? 0x02 : 0));
  writer.check(keepAlive, 0, 0xffff, 'Keep Alive');
  writer.uint16(keepAlive);
  writePropertyBlock(writer, packet.properties);
  writer.text(packet.clientId, 'Client Identifier');
  if (will !== undefined) {
    writer.carrier = 'will';
    writePropertyBlock(writer, will.properties);
    writer.carrier = 'connect';
    writer.text(will.topic, 'Will Topic');
    checkTopicField(will.topic, 'Will Topic');
    writer.binary(will.payload, 'Will Payload');
  }
  if (username !== undefined) writer.text(username, 'User Name');
  if (password !== undefined) writer.binary(password, 'Password');
}

function willFlags(writer: PacketWriter, will: Will): number {
  writer.check(will.qos, 0, 2, 'QoS');
  return 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
}

function writeConnack(writer: PacketWriter, packet: ConnackPacket): void {
  const { version } = writer;
  if (packet.sessionPresent && packet.reasonCode !== 0) {
    throw writer.forbidden('Session Present is 1 with a refusal [MQTT-3.2.2-6]');
  }
  // Level 3 knows no Session Present: the byte is reserved and 0.
  writer.byte(packet.sessionPresent && version !== 3 ? 1 : 0);
  if (version === 5) writeReasonCode(writer, packet.reasonCode);
  else writer.byte(returnCode(writer, packet.reasonCode));
  writePropertyBlock(writer, packet.properties);
}

function returnCode(writer: PacketWriter, code: number): number {
  const adapted = code <= RETURN_CODE_MAXIMUM ? code : connackReturnCode(code);
  if (adapted !== undefined) return adapted;
  throw writer.forbidden(`no Return Code stands for ${hexadecimal(code)}, close without CONNACK [MQTT311-3.2.2-6]`);
}

function writePublish(writer: PacketWriter, packet: PublishPacket): void {
  const { qos, topic, properties } = packet;
  writer.check(qos, 0, 2, 'QoS');
  if (packet.dup && qos === 0) throw writer.forbidden('DUP is 1 with QoS 0 [MQTT-3.3.1-2]');
  if (topic !== '') checkTopicField(topic, 'Topic Name');
  else if (writer.version !== 5 || properties.topicAlias === undefined) {
    throw writer.forbidden('its Topic Name is empty and it has no Topic Alias (3.3.2.1)');
  }
  writer.text(topic, 'Topic Name');
  if (qos > 0) writer.packetId(packet.packetId);
  writePropertyBlock(writer, properties);
  writer.raw(packet.payload);
}

/** 5.0 leaves out properties where there are none, and then a code of 0 too; before there is neither. */
function writeReason(writer: PacketWriter, packet: PublishAckPacket | DisconnectPacket | AuthPacket): void {
  const { type, reasonCode, properties } = packet;
  const { version } = writer;
  if ('packetId' in packet) writer.packetId(packet.packetId);
  if (type === 'auth' && (version !== 5 || properties.authenticationMethod === undefined)) {
    throw writer.forbidden('it needs MQTT 5.0 and an Authentication Method (3.15.2.2.2)');
  }
  if (version !== 5) return;
  const start = writer.length;
  writeReasonCode(writer, reasonCode);
  writePropertyBlock(writer, properties);
  if (writer.length === start + 2) writer.length -= reasonCode === 0 ? 2 : 1;
}

function writeRequest(writer: PacketWriter, packet: SubscribePacket | UnsubscribePacket): void {
  const filters = packet.type === 'subscribe' ? packet.subscriptions : packet.filters;
  if (filters.length === 0) throw writer.forbidden('it has no Topic Filter [MQTT-3.8.3-2, 3.10.3-2]');
  writer.packetId(packet.packetId);
  writePropertyBlock(writer, packet.properties);
  for (const one of filters) {
    const isText = typeof one === 'string';
    writer.text(isText ? one : one.filter, 'Topic Filter');
    if (!isText) writer.byte(subscriptionOptions(writer, one));
  }
}

function subscriptionOptions(writer: PacketWriter, subscription: SubscriptionRequest): number {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  writer.check(qos, 0, 2, 'QoS');
  if (writer.version !== 5) return qos;
  if (noLocal && filter.startsWith(SHARED_PREFIX)) {
    throw writer.forbidden('No Local is 1 on a Shared Subscription [MQTT-3.8.3-4]');
  }
  writer.check(retainHandling, 0, 2, 'Retain Handling');
  return qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
}

function writeSuback(writer: PacketWriter, packet: SubackPacket): void {
  if (packet.reasonCodes.length === 0) throw writer.forbidden('it has no Reason Code, expected one for each filter');
  writer.packetId(packet.packetId);
  writePropertyBlock(writer, packet.properties);
  for (const code of packet.reasonCodes) {
    checkReasonCode(writer, code);
    writer.byte(writer.version !== 5 && code >= SUBACK_FAILURE ? SUBACK_FAILURE : code);
  }
}

function writeUnsuback(writer: PacketWriter, packet: UnsubackPacket): void {
  writer.packetId(packet.packetId);
  if (writer.version !== 5) return;
  if (packet.reasonCodes.length === 0) throw writer.forbidden('it has no Reason Code, expected one for each filter');
  writePropertyBlock(writer, packet.properties);
  for (const code of packet.reasonCodes) writeReasonCode(writer, code);
}

function writeReasonCode(writer: PacketWriter, code: number): void {
  checkReasonCode(writer, code);
  writer.byte(code);
}

function checkReasonCode(writer: PacketWriter, code: number): void {
  if (isReasonCodeAllowed(writer.carrier as PacketName, code)) return;
  throw writer.forbidden(`code ${hexadecimal(code)} has no place in it (2.4)`);
}
