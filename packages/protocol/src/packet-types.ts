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
export const PACKET_TYPES: readonly PacketTypeRow[] = [
  row(1, 'connect', 'CONNECT', 0, 'client', 'client', 'never'),
  row(2, 'connack', 'CONNACK', 0, 'server', 'server', 'never'),
  row(3, 'publish', 'PUBLISH', undefined, 'both', 'both', 'qos-above-0'),
  row(4, 'puback', 'PUBACK', 0, 'both', 'both', 'always'),
  row(5, 'pubrec', 'PUBREC', 0, 'both', 'both', 'always'),
  row(6, 'pubrel', 'PUBREL', 2, 'both', 'both', 'always'),
  row(7, 'pubcomp', 'PUBCOMP', 0, 'both', 'both', 'always'),
  row(8, 'subscribe', 'SUBSCRIBE', 2, 'client', 'client', 'always'),
  row(9, 'suback', 'SUBACK', 0, 'server', 'server', 'always'),
  row(10, 'unsubscribe', 'UNSUBSCRIBE', 2, 'client', 'client', 'always'),
  row(11, 'unsuback', 'UNSUBACK', 0, 'server', 'server', 'always'),
  row(12, 'pingreq', 'PINGREQ', 0, 'client', 'client', 'never'),
  row(13, 'pingresp', 'PINGRESP', 0, 'server', 'server', 'never'),
  row(14, 'disconnect', 'DISCONNECT', 0, 'both', 'client', 'never'),
  row(15, 'auth', 'AUTH', 0, 'both', 'nobody', 'never'),
];

/** The row of a type number 1 to 15; undefined for every other number. */
export function packetTypeRow(type: number): PacketTypeRow | undefined {
  return PACKET_TYPES[type - 1];
}

/** True when `sender` may send this packet type in this version of the protocol. */
export function maySend(row: PacketTypeRow, sender: Side, version: ProtocolVersion): boolean {
  const from = version === 5 ? row.from : row.fromBefore5;
  return from === 'both' || from === sender;
}

function row(
  number: number,
  name: PacketName,
  title: string,
  flags: number | undefined,
  from: PacketTypeRow['from'],
  fromBefore5: PacketTypeRow['fromBefore5'],
  packetId: PacketTypeRow['packetId'],
): PacketTypeRow {
  return { number, name, title, flags, from, fromBefore5, packetId };
}
