/** Packets in words, for `-d`: one line each, never a password or authentication data. */

import { describeReason } from '@dunlin/client';
import type {
  ConnackPacket,
  ConnectPacket,
  Packet,
  Properties,
  PublishPacket,
  SubscriptionRequest,
} from '@dunlin/protocol';

/** What `-d` prints for a packet, such as `> PUBLISH 3, "a/b", QoS 1, 5 bytes`. */
export function traceLine(direction: 'sent' | 'received', packet: Packet): string {
  const details = detailsOf(packet).filter((detail) => detail !== '');
  const name = [packet.type.toUpperCase(), 'packetId' in packet && packet.packetId > 0 ? ` ${packet.packetId}` : ''];
  return `${direction === 'sent' ? '>' : '<'} ${[name.join(''), ...details].join(', ')}`;
}

const VERSION_NAMES = { 3: 'MQTT 3.1', 4: 'MQTT 3.1.1', 5: 'MQTT 5.0' };

function detailsOf(packet: Packet): string[] {
  switch (packet.type) {
    case 'connect':
      return connectDetails(packet);
    case 'connack':
      return connackDetails(packet);
    case 'publish':
      return publishDetails(packet);
    case 'subscribe':
      return [...packet.subscriptions.map(subscriptionDetail), ...propertyDetails(packet.properties)];
    case 'unsubscribe':
      return [...packet.filters.map((filter) => JSON.stringify(filter)), ...propertyDetails(packet.properties)];
    case 'suback':
    case 'unsuback':
      return [...packet.reasonCodes.map((code) => describeReason(code, packet)), ...propertyDetails(packet.properties)];
    case 'pingreq':
    case 'pingresp':
      return [];
    default:
      return [describeReason(packet.reasonCode, packet), ...propertyDetails(packet.properties)];
  }
}

function connectDetails(packet: ConnectPacket): string[] {
  const { will } = packet;
  return [
    VERSION_NAMES[packet.protocolVersion],
    `Client Identifier ${JSON.stringify(packet.clientId)}`,
    packet.cleanStart ? 'clean start' : 'session continued',
    `keep alive ${packet.keepAlive} s`,
    packet.username === undefined ? '' : `user ${JSON.stringify(packet.username)}`,
    packet.password === undefined ? '' : 'password (not shown)',
    will === undefined ? '' : `will on ${JSON.stringify(will.topic)} QoS ${will.qos}${will.retain ? ' retained' : ''}`,
    ...propertyDetails(packet.properties),
    ...(will === undefined ? [] : propertyDetails(will.properties)),
  ];
}

/** Options that are not the default stand in brackets. */
function subscriptionDetail(request: SubscriptionRequest): string {
  const options = [
    request.noLocal ? 'no local' : '',
    request.retainAsPublished ? 'retain as published' : '',
    request.retainHandling === 0 ? '' : `retain handling ${request.retainHandling}`,
  ].filter((option) => option !== '');
  const shown = options.length === 0 ? '' : ` (${options.join(', ')})`;
  return `${JSON.stringify(request.filter)} QoS ${request.qos}${shown}`;
}

/** The code of 3.x is a Return Code of its own. */
function connackDetails(packet: ConnackPacket): string[] {
  const answer =
    packet.reasonCode === 0 || packet.reasonCode >= 0x80
      ? describeReason(packet.reasonCode, packet)
      : `Return Code ${packet.reasonCode}`;
  return [answer, packet.sessionPresent ? 'session present' : '', ...propertyDetails(packet.properties)];
}

function publishDetails(packet: PublishPacket): string[] {
  return [
    JSON.stringify(packet.topic),
    `QoS ${packet.qos}`,
    packet.retain ? 'retained' : '',
    packet.dup ? 'repeated' : '',
    `${packet.payload.length} bytes`,
    ...propertyDetails(packet.properties),
  ];
}

function propertyDetails(properties: Properties): string[] {
  return Object.entries(properties)
    .filter(([key]) => key !== 'authenticationData')
    .map(([key, value]) => `${key} ${value instanceof Uint8Array ? `${value.length} bytes` : JSON.stringify(value)}`);
}
