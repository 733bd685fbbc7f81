/** Writes every control packet of MQTT 3.1, 3.1.1 and 5.0 (chapter 3). */

import { MqttError } from './errors.ts';
import { PacketType, packetTypeRow } from './packet-types.ts';
import { PacketWriter } from './packet-writer.ts';
import type {
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  Packet,
  Properties,
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
import { connackReturnCode, isReasonCodeAllowed } from './reason-codes.ts';

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
  const writer = new PacketWriter(packet.type.toUpperCase(), packet.type === 'publish' ? publishGuess(packet) : 0);
  switch (packet.type) {
    case 'connect':
      return encodeConnect(writer, packet);
    case 'connack':
      return encodeConnack(writer, packet, version);
    case 'publish':
      return encodePublish(writer, packet, version);
    case 'puback':
    case 'pubrec':
    case 'pubrel':
    case 'pubcomp':
      return encodePublishAck(writer, packet, version);
    case 'subscribe':
      return encodeSubscribe(writer, packet, version);
    case 'suback':
      return encodeSuback(writer, packet, version);
    case 'unsubscribe':
      return encodeUnsubscribe(writer, packet, version);
    case 'unsuback':
      return encodeUnsuback(writer, packet, version);
    case 'pingreq':
    case 'pingresp':
      return writer.finish(firstByte(packet.type));
    case 'disconnect':
      return encodeDisconnect(writer, packet, version);
    case 'auth':
      return encodeAuth(writer, packet, version);
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
  const admitted = omitProblemInformation ? withoutProblemInformation(packet) : packet;
  const whole = encodePacket(admitted, version);
  if (whole.length <= maximumPacketSize) return whole;
  if (!mayShorten(admitted) || version !== 5) return undefined;

  const { reasonString: _text, ...short } = admitted.properties;
  const withoutText = encodePacket({ ...admitted, properties: short }, version);
  if (withoutText.length <= maximumPacketSize) return withoutText;
  const { userProperties: _pairs, ...shortest } = short;
  const bare = encodePacket({ ...admitted, properties: shortest }, version);
  return bare.length <= maximumPacketSize ? bare : undefined;
}

type Shortenable = Exclude<
  Packet,
  { type: 'connect' | 'publish' | 'subscribe' | 'unsubscribe' | 'pingreq' | 'pingresp' }
>;

/** The packets that may carry a Reason String; in the others User Properties belong to the message or the request. */
function mayShorten(packet: Packet): packet is Shortenable {
  switch (packet.type) {
    case 'connect':
    case 'publish':
    case 'subscribe':
    case 'unsubscribe':
    case 'pingreq':
    case 'pingresp':
      return false;
    default:
      return true;
  }
}

function withoutProblemInformation(packet: Packet): Packet {
  if (!mayShorten(packet) || packet.type === 'connack' || packet.type === 'disconnect') return packet;
  const { reasonString, userProperties, ...properties } = packet.properties;
  return reasonString === undefined && userProperties === undefined ? packet : { ...packet, properties };
}

function firstByte(type: Packet['type']): number {
  const number = PacketType[type];
  return (number << 4) | (packetTypeRow(number)?.flags ?? 0);
}

function encodeConnect(writer: PacketWriter, packet: ConnectPacket): Uint8Array {
  const { protocolVersion, username, password, will, properties } = packet;
  if (protocolVersion !== 5 && password !== undefined && username === undefined) {
    throw writer.forbidden('it has a password but no user name, which needs MQTT 5.0 [MQTT311-3.1.2-22]');
  }
  if (protocolVersion === 5 && packet.bridge) throw writer.forbidden('the bridge mark does not exist in MQTT 5.0');
  writer.text(protocolVersion === 3 ? 'MQIsdp' : 'MQTT', 'Protocol Name');
  writer.byte(protocolVersion | (packet.bridge ? BRIDGE_BIT : 0));
  writer.byte(connectFlags(writer, packet));
  writer.uint16(packet.keepAlive, 'Keep Alive');
  if (protocolVersion === 5) {
    checkAuthentication(writer, properties);
    writer.properties(properties, 'connect');
  }
  writer.text(packet.clientId, 'Client Identifier');
  if (will !== undefined) {
    if (protocolVersion === 5) writer.properties(will.properties, 'will');
    checkTopic(will.topic, 'Will Topic');
    writer.text(will.topic, 'Will Topic');
    writer.binary(will.payload, 'Will Payload');
  }
  if (username !== undefined) writer.text(username, 'User Name');
  if (password !== undefined) writer.binary(password, 'Password');
  return writer.finish(firstByte('connect'));
}

function connectFlags(writer: PacketWriter, packet: ConnectPacket): number {
  const clean = packet.cleanStart ? 0x02 : 0;
  const credentials = (packet.username === undefined ? 0 : 0x80) | (packet.password === undefined ? 0 : 0x40);
  return clean | credentials | (packet.will === undefined ? 0 : willFlags(writer, packet.will));
}

function willFlags(writer: PacketWriter, will: Will): number {
  checkQoS(writer, will.qos);
  return 0x04 | (will.qos << 3) | (will.retain ? 0x20 : 0);
}

function encodeConnack(writer: PacketWriter, packet: ConnackPacket, version: ProtocolVersion): Uint8Array {
  if (packet.sessionPresent && packet.reasonCode !== 0) {
    throw writer.forbidden('Session Present is 1 with a refusal [MQTT-3.2.2-6]');
  }
  // Level 3 knows no Session Present: the byte is reserved and 0.
  writer.byte(packet.sessionPresent && version !== 3 ? 1 : 0);
  if (version === 5) {
    checkReasonCode(writer, 'connack', packet.reasonCode);
    checkAuthentication(writer, packet.properties);
    writer.byte(packet.reasonCode);
    writer.properties(packet.properties, 'connack');
  } else {
    writer.byte(returnCode(writer, packet.reasonCode));
  }
  return writer.finish(firstByte('connack'));
}

function returnCode(writer: PacketWriter, code: number): number {
  const adapted = code <= RETURN_CODE_MAXIMUM ? code : connackReturnCode(code);
  if (adapted !== undefined) return adapted;
  throw writer.forbidden(`no Return Code stands for ${hex(code)}, close without CONNACK [MQTT311-3.2.2-6]`);
}

function encodePublish(writer: PacketWriter, packet: PublishPacket, version: ProtocolVersion): Uint8Array {
  const { qos, topic, properties } = packet;
  checkQoS(writer, qos);
  if (packet.dup && qos === 0) throw writer.forbidden('DUP is 1 with QoS 0 [MQTT-3.3.1-2]');
  if (topic !== '') checkTopic(topic, 'Topic Name');
  else if (version !== 5 || properties.topicAlias === undefined) {
    throw writer.forbidden('its Topic Name is empty and it has no Topic Alias (3.3.2.1)');
  }
  writer.text(topic, 'Topic Name');
  if (qos > 0) writer.packetId(packet.packetId);
  if (version === 5) writer.properties(properties, 'publish');
  writer.raw(packet.payload);
  return writer.finish(firstByte('publish') | (packet.dup ? 8 : 0) | (qos << 1) | (packet.retain ? 1 : 0));
}

/** Room for topic and payload, so that the payload is copied once. */
function publishGuess({ topic, payload }: PublishPacket): number {
  return 3 * topic.length + payload.length + PUBLISH_EXTRA_BYTES;
}

function encodePublishAck(writer: PacketWriter, packet: PublishAckPacket, version: ProtocolVersion): Uint8Array {
  writer.packetId(packet.packetId);
  if (version === 5) {
    checkReasonCode(writer, packet.type, packet.reasonCode);
    const bare = isEmpty(packet.properties);
    if (packet.reasonCode !== 0 || !bare) writer.byte(packet.reasonCode);
    if (!bare) writer.properties(packet.properties, packet.type);
  }
  return writer.finish(firstByte(packet.type));
}

function encodeSubscribe(writer: PacketWriter, packet: SubscribePacket, version: ProtocolVersion): Uint8Array {
  if (packet.subscriptions.length === 0) throw writer.forbidden('it has no Topic Filter [MQTT-3.8.3-2]');
  writer.packetId(packet.packetId);
  if (version === 5) writer.properties(packet.properties, 'subscribe');
  for (const subscription of packet.subscriptions) {
    checkQoS(writer, subscription.qos);
    writer.text(subscription.filter, 'Topic Filter');
    writer.byte(version === 5 ? subscriptionOptions(writer, subscription) : subscription.qos);
  }
  return writer.finish(firstByte('subscribe'));
}

function subscriptionOptions(writer: PacketWriter, subscription: SubscriptionRequest): number {
  const { filter, qos, noLocal, retainAsPublished, retainHandling } = subscription;
  if (noLocal && filter.startsWith(SHARED_PREFIX)) {
    throw writer.forbidden('No Local is 1 on a Shared Subscription [MQTT-3.8.3-4]');
  }
  if (retainHandling !== 0 && retainHandling !== 1 && retainHandling !== 2) {
    throw writer.forbidden(`a Retain Handling is ${String(retainHandling)}, expected 0 to 2 (3.8.3.1)`);
  }
  return qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4);
}

function encodeSuback(writer: PacketWriter, packet: SubackPacket, version: ProtocolVersion): Uint8Array {
  if (packet.reasonCodes.length === 0) throw writer.forbidden('it has no Reason Code, expected one for each filter');
  writer.packetId(packet.packetId);
  if (version === 5) writer.properties(packet.properties, 'suback');
  for (const code of packet.reasonCodes) {
    checkReasonCode(writer, 'suback', code);
    writer.byte(version !== 5 && code >= SUBACK_FAILURE ? SUBACK_FAILURE : code);
  }
  return writer.finish(firstByte('suback'));
}

function encodeUnsubscribe(writer: PacketWriter, packet: UnsubscribePacket, version: ProtocolVersion): Uint8Array {
  if (packet.filters.length === 0) throw writer.forbidden('it has no Topic Filter [MQTT-3.10.3-2]');
  writer.packetId(packet.packetId);
  if (version === 5) writer.properties(packet.properties, 'unsubscribe');
  for (const filter of packet.filters) writer.text(filter, 'Topic Filter');
  return writer.finish(firstByte('unsubscribe'));
}

function encodeUnsuback(writer: PacketWriter, packet: UnsubackPacket, version: ProtocolVersion): Uint8Array {
  writer.packetId(packet.packetId);
  if (version !== 5) return writer.finish(firstByte('unsuback'));
  if (packet.reasonCodes.length === 0) throw writer.forbidden('it has no Reason Code, expected one for each filter');
  writer.properties(packet.properties, 'unsuback');
  for (const code of packet.reasonCodes) {
    checkReasonCode(writer, 'unsuback', code);
    writer.byte(code);
  }
  return writer.finish(firstByte('unsuback'));
}

function encodeDisconnect(writer: PacketWriter, packet: DisconnectPacket, version: ProtocolVersion): Uint8Array {
  if (version === 5) {
    checkReasonCode(writer, 'disconnect', packet.reasonCode);
    const bare = isEmpty(packet.properties);
    if (packet.reasonCode !== 0 || !bare) writer.byte(packet.reasonCode);
    if (!bare) writer.properties(packet.properties, 'disconnect');
  }
  return writer.finish(firstByte('disconnect'));
}

function encodeAuth(writer: PacketWriter, packet: AuthPacket, version: ProtocolVersion): Uint8Array {
  if (version !== 5) throw writer.forbidden('it exists in MQTT 5.0 only');
  if (packet.properties.authenticationMethod === undefined) {
    throw writer.forbidden('it has no Authentication Method (3.15.2.2.2)');
  }
  checkReasonCode(writer, 'auth', packet.reasonCode);
  writer.byte(packet.reasonCode);
  writer.properties(packet.properties, 'auth');
  return writer.finish(firstByte('auth'));
}

function checkReasonCode(writer: PacketWriter, type: Packet['type'], code: number): void {
  if (isReasonCodeAllowed(type, code, 'client') || isReasonCodeAllowed(type, code, 'server')) return;
  throw writer.forbidden(`code ${hex(code)} has no place in it (2.4)`);
}

function checkAuthentication(writer: PacketWriter, properties: Properties): void {
  if (properties.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw writer.forbidden('it has Authentication Data without an Authentication Method (3.1.2.11.10)');
}

function checkQoS(writer: PacketWriter, qos: number): void {
  if (qos !== 0 && qos !== 1 && qos !== 2) throw writer.forbidden(`a QoS is ${String(qos)}, expected 0 to 2`);
}

function checkTopic(topic: string, field: string): void {
  if (topic === '') throw topicNameInvalid(field, 'it is empty [MQTT-4.7.3-1]');
  if (topic.includes('+') || topic.includes('#')) throw topicNameInvalid(field, 'it holds a wildcard [MQTT-3.3.2-2]');
}

function topicNameInvalid(field: string, fault: string): MqttError {
  return new MqttError('topic-name-invalid', 0x90, `Cannot use the ${field}: ${fault}`);
}

function isEmpty(properties: Properties): boolean {
  for (const key in properties) {
    const value = properties[key as keyof Properties];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) return false;
  }
  return true;
}

function hex(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
