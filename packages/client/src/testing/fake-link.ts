/** An accepted connection whose packets go into a list. */

import type { Packet, Properties, ProtocolVersion, PublishPacket } from '@dunlin/protocol';
import { type Connection, SENT } from '../connection.ts';
import { Link } from '../link.ts';

/** A link, and what was sent on it. `wire.isWritable` may be set. */
export function fakeLink(properties: Properties = {}, version: ProtocolVersion = 5) {
  const sent: Packet[] = [];
  const wire = {
    isWritable: true,
    maximumPacketSize: 0,
    send: (packet: Packet) => void sent.push(packet),
    left: () => Promise.resolve(SENT),
  };
  const connack = { type: 'connack' as const, sessionPresent: false, reasonCode: 0, properties };
  return { link: new Link(wire as unknown as Connection, connack, version, true), sent, wire };
}

/** The packets as short texts: type, identifier, and DUP as `again`. */
export function told(packets: readonly Packet[]): string[] {
  return packets.map((packet) => {
    const id = 'packetId' in packet && packet.packetId > 0 ? ` ${packet.packetId}` : '';
    return `${packet.type}${id}${packet.type === 'publish' && packet.dup ? ' again' : ''}`;
  });
}

/** A PUBLISH as it comes from a server. */
export function published(fields: Partial<PublishPacket> = {}): PublishPacket {
  return {
    type: 'publish',
    dup: false,
    qos: 0,
    retain: false,
    topic: 'a',
    packetId: 0,
    properties: {},
    payload: new Uint8Array(0),
    ...fields,
  };
}
