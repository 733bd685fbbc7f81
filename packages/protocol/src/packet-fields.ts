/** The fields that programs without types get wrong, looked at before a packet is written: what is found is named. */

import { type MqttError, protocolError } from './errors.ts';
import { PacketType } from './packet-types.ts';
import type { ConnectPacket, Packet, ProtocolVersion, SubscribePacket, UnsubscribePacket, Will } from './packets.ts';

/**
 * Throws 'protocol-error' for a packet that is none, and for a field of PUBLISH, SUBSCRIBE, UNSUBSCRIBE or CONNECT that is no
 * text, bytes, list or object where that is expected. Ranges, and whatever the text holds, are left to who writes it.
 */
export function checkFields(packet: Packet, version: ProtocolVersion): void {
  switch (packet.type) {
    case 'publish':
      if (typeof packet.topic !== 'string') throw wrong('PUBLISH', 'Topic Name', packet.topic, 'text');
      if (!(packet.payload instanceof Uint8Array)) throw wrong('PUBLISH', 'payload', packet.payload, 'a Uint8Array');
      if (version === 5) checkObject('PUBLISH', 'properties', packet.properties);
      break;
    case 'subscribe':
    case 'unsubscribe':
      checkRequest(packet, version);
      break;
    case 'connect':
      checkConnect(packet);
      break;
    default:
      if (typeof PacketType[packet.type] !== 'number') {
        const known = Object.keys(PacketType).join(', ');
        throw protocolError(`Cannot write a packet whose type is ${kindOf(packet.type)}, expected one of ${known}`);
      }
  }
}

function checkRequest(packet: SubscribePacket | UnsubscribePacket, version: ProtocolVersion): void {
  const title = packet.type.toUpperCase();
  if (version === 5) checkObject(title, 'properties', packet.properties);
  const [field, list]: [string, unknown] =
    packet.type === 'subscribe' ? ['subscriptions', packet.subscriptions] : ['filters', packet.filters];
  if (!Array.isArray(list)) throw wrong(title, field, list, 'an array');
  for (const one of list) {
    if (packet.type === 'subscribe') checkObject(title, 'subscription', one);
    const filter: unknown = packet.type === 'subscribe' ? one.filter : one;
    if (typeof filter !== 'string') throw wrong(title, 'Topic Filter', filter, 'text');
  }
}

function checkConnect({ protocolVersion, clientId, username, password, will, properties }: ConnectPacket): void {
  if (protocolVersion !== 3 && protocolVersion !== 4 && protocolVersion !== 5) {
    throw wrong('CONNECT', 'protocolVersion', protocolVersion, '3, 4 or 5');
  }
  if (typeof clientId !== 'string') throw wrong('CONNECT', 'Client Identifier', clientId, 'text');
  if (username !== undefined && typeof username !== 'string') throw wrong('CONNECT', 'User Name', username, 'text');
  if (password !== undefined && !(password instanceof Uint8Array)) {
    // Not what was found: it may be the password as text.
    throw protocolError(`Cannot write CONNECT: its Password is ${typeof password}, expected a Uint8Array`);
  }
  if (protocolVersion === 5) checkObject('CONNECT', 'properties', properties);
  if (will !== undefined) checkWill(will, protocolVersion);
}

function checkWill(will: Will, version: ProtocolVersion): void {
  checkObject('CONNECT', 'Will', will);
  if (typeof will.topic !== 'string') throw wrong('CONNECT', 'Will Topic', will.topic, 'text');
  if (!(will.payload instanceof Uint8Array)) throw wrong('CONNECT', 'Will Payload', will.payload, 'a Uint8Array');
  if (version === 5) checkObject('CONNECT', 'Will Properties', will.properties);
}

function checkObject(title: string, field: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw wrong(title, field, value, 'an object');
}

function wrong(title: string, field: string, found: unknown, expected: string): MqttError {
  const is = field.endsWith('s') ? 'are' : 'is';
  return protocolError(`Cannot write ${title}: its ${field} ${is} ${kindOf(found)}, expected ${expected}`);
}

/** What a value is, without what is in it. */
function kindOf(value: unknown): string {
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return `of the class ${Object.getPrototypeOf(value)?.constructor?.name ?? 'Object'}`;
}
