/** The closed set of control packet types: number, fixed header flags, who sends them, packet identifier (section 2.1.2). */

import type { Packet, ProtocolVersion } from './packets.ts';

/** The name of a control packet, as in `Packet['type']`. */
export type PacketName = Packet['type'];
/** A side of a Network Connection. */
export type Side = 'client' | 'server';

/** The four upper bits of a packet's first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** The names in the order of the numbers; name n - 1 is type n. */
export const PACKET_NAMES = /* @__PURE__ */ Object.keys(PacketType) as PacketName[];

/** One control packet type. */
export interface PacketTypeRow {
  /** 1 to 15. */
  readonly number: number;
  readonly name: PacketName;
  /** As the standard prints it. */
  readonly title: string;
  /** The lower four bits of the first byte; undefined for PUBLISH, whose bits carry DUP, QoS and RETAIN. */
  readonly flags: number | undefined;
  /** Who may send it in MQTT 5.0. */
  readonly from: Side | 'both';
  /** Who may send it in MQTT 3.1 and 3.1.1. */
  readonly fromBefore5: Side | 'both' | 'nobody';
  readonly packetId: 'never' | 'always' | 'qos-above-0';
}

/** Every control packet type, in the order of the numbers; row n - 1 is type n. */
export const PACKET_TYPES: readonly PacketTypeRow[] = /* @__PURE__ */ rows();

/** The row of a type number 1 to 15; undefined for every other number. */
export function packetTypeRow(type: number): PacketTypeRow | undefined {
  return PACKET_TYPES[type - 1];
}

/** True when `sender` may send this packet type in this version of the protocol. */
export function maySend(row: PacketTypeRow, sender: Side, version: ProtocolVersion): boolean {
  const from = version === 5 ? row.from : row.fromBefore5;
  return from === 'both' || from === sender;
}

/**
 * The letters of places. The word at n stands for packet type n from a client, in the second line from a server: c is
 * CONNECT, w the Will in it, C CONNACK; p PUBLISH, q that of a server; P PUBACK and PUBREC, R PUBREL and PUBCOMP; s SUBSCRIBE,
 * S SUBACK, u UNSUBSCRIBE, U UNSUBACK; D DISCONNECT, d that of a client, E of a server; A AUTH, a and B likewise.
 */
const PLACES = `w c - p P P R R s - u - - - Dd Aa
- - C pq P P R R - S - U - - DE AB`;

/** The places of letters as tables of properties and Reason Codes have them, for `isIn`. */
export function placesOf(letters: string): number {
  const isAmong = (place: string): boolean => Array.from(letters).some((letter) => place.includes(letter));
  return PLACES.split(/\s/).reduce((places, place, bit) => places | (isAmong(place) ? 1 << bit : 0), 0);
}

/** Whether a carrier of properties or Reason Codes is among the places; without `sender` either side will do. */
export function isIn(places: number, carrier: PacketName | 'will', sender?: Side): boolean {
  const senders = places >> (carrier === 'will' ? 0 : PacketType[carrier]);
  if (sender === undefined) return (senders & 0x1_0001) !== 0;
  return (senders & (sender === 'server' ? 0x1_0000 : 1)) !== 0;
}

/** The lower four bits of the first byte of every packet but PUBLISH. */
export function fixedFlags(type: number): number {
  return type === PacketType.pubrel || type === PacketType.subscribe || type === PacketType.unsubscribe ? 2 : 0;
}

function rows(): PacketTypeRow[] {
  return [
    row('connect', 'client', 'client', 'never'),
    row('connack', 'server', 'server', 'never'),
    row('publish', 'both', 'both', 'qos-above-0'),
    row('puback', 'both', 'both', 'always'),
    row('pubrec', 'both', 'both', 'always'),
    row('pubrel', 'both', 'both', 'always'),
    row('pubcomp', 'both', 'both', 'always'),
    row('subscribe', 'client', 'client', 'always'),
    row('suback', 'server', 'server', 'always'),
    row('unsubscribe', 'client', 'client', 'always'),
    row('unsuback', 'server', 'server', 'always'),
    row('pingreq', 'client', 'client', 'never'),
    row('pingresp', 'server', 'server', 'never'),
    row('disconnect', 'both', 'client', 'never'),
    row('auth', 'both', 'nobody', 'never'),
  ];
}

function row(
  name: PacketName,
  from: PacketTypeRow['from'],
  fromBefore5: PacketTypeRow['fromBefore5'],
  packetId: PacketTypeRow['packetId'],
): PacketTypeRow {
  const number = PacketType[name];
  const flags = name === 'publish' ? undefined : fixedFlags(number);
  return { number, name, title: name.toUpperCase(), flags, from, fromBefore5, packetId };
}
