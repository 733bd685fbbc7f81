/** Request Problem Information 0: what the server then leaves out (section 3.1.2.11.7). */

import { type ConnectPacket, type Packet, protocolError } from '@dunlin/protocol';
import { propertiesOf } from './errors.ts';

/** Packets that may explain themselves in any case. */
const FREE: readonly Packet['type'][] = ['publish', 'connack', 'disconnect'];

/** Throws for a Reason String or User Properties in a packet from the server that may not have them. */
export function checkProblemInformation(connect: ConnectPacket, packet: Packet): void {
  if (connect.properties.requestProblemInformation !== 0 || FREE.includes(packet.type)) return;
  const { reasonString, userProperties } = propertiesOf(packet);
  if (reasonString === undefined && userProperties === undefined) return;
  const name = packet.type.toUpperCase();
  throw protocolError(`Cannot accept ${name} with an explanation: Request Problem Information was 0 [MQTT-3.1.2-29]`);
}
