/** The closed set of MQTT 5.0 properties, and what is right for each of them (section 2.2.2). */

import { MqttError, malformedPacket, protocolError } from './errors.ts';
import type { PacketName, Side } from './packet-types.ts';
import type { Properties } from './packets.ts';
import { checkTopicField } from './topic.ts';

/** What carries properties: a packet, or the Will inside a CONNECT. */
export type PropertyCarrier = Exclude<PacketName, 'pingreq' | 'pingresp'> | 'will';
/** `text` is a UTF-8 String, `pair` a UTF-8 String Pair; the integers have 1, 2, 4 and 1 to 4 bytes. */
export type PropertyType = 'byte' | 'uint16' | 'uint32' | 'varint' | 'text' | 'binary' | 'pair';
/** Limits beyond the type: 0 or 1; not 0; a Topic Name (not empty, no wildcard). */
export type PropertyValues = 'any' | 'bit' | 'not-zero' | 'topic-name';

/** One property of the standard. */
export interface PropertyRow {
  /** The identifier on the wire. */
  readonly id: number;
  readonly key: keyof Properties;
  /** As the standard prints it. */
  readonly name: string;
  readonly type: PropertyType;
  readonly values: PropertyValues;
  readonly packets: readonly PropertyCarrier[];
  /** Where it may stand more than once; empty: nowhere. */
  readonly multiple: readonly PropertyCarrier[];
  /** Packets of both sides in which only one side may use it. */
  readonly onlyFrom: Partial<Record<PropertyCarrier, Side>>;
}

/**
 * A line for each: identifier, key, type, values, packets. `*`: more than once there; `/side`: from that side only.
 * Text, since it is a part of every client in a browser and code for the same would be twice as long.
 */
const TABLE = `1 payloadFormatIndicator byte bit publish will
2 messageExpiryInterval uint32 any publish will
3 contentType text any publish will
8 responseTopic text topic-name publish will
9 correlationData binary any publish will
11 subscriptionIdentifiers varint not-zero publish*/server subscribe
17 sessionExpiryInterval uint32 any connect connack disconnect/client
18 assignedClientIdentifier text any connack
19 serverKeepAlive uint16 any connack
21 authenticationMethod text any connect connack auth
22 authenticationData binary any connect connack auth
23 requestProblemInformation byte bit connect
24 willDelayInterval uint32 any will
25 requestResponseInformation byte bit connect
26 responseInformation text any connack
28 serverReference text any connack disconnect/server
31 reasonString text any connack puback pubrec pubrel pubcomp suback unsuback disconnect auth
33 receiveMaximum uint16 not-zero connect connack
34 topicAliasMaximum uint16 any connect connack
35 topicAlias uint16 not-zero publish
36 maximumQoS byte bit connack
37 retainAvailable byte bit connack
38 userProperties pair any connect* connack* publish* puback* pubrec* pubrel* pubcomp* subscribe* suback* unsubscribe* unsuback* disconnect* auth* will*
39 maximumPacketSize uint32 not-zero connect connack
40 wildcardSubscriptionAvailable byte bit connack
41 subscriptionIdentifierAvailable byte bit connack
42 sharedSubscriptionAvailable byte bit connack`;

/** All 27 properties, by identifier. */
export const PROPERTIES: readonly PropertyRow[] = /* @__PURE__ */ TABLE.split('\n').map(rowOf);

const BY_ID = /* @__PURE__ */ new Map<unknown, PropertyRow>(
  /* @__PURE__ */ PROPERTIES.flatMap((row) => [[row.id, row] as const, [row.key, row] as const]),
);

/** The row of an identifier or a key. */
export function propertyOf(idOrKey: number | string): PropertyRow | undefined {
  return BY_ID.get(idOrKey);
}

/** The row of an identifier. Throws 'malformed-packet' for one that is unknown or has no place in `carrier`. */
export function propertyIn(id: number, carrier: PropertyCarrier): PropertyRow {
  const property = BY_ID.get(id);
  if (property?.packets.includes(carrier)) return property;
  throw malformedPacket(
    `Cannot read ${carrierTitle(carrier)}: property 0x${id.toString(16)} has no place in it (2.2.2.2)`,
  );
}

/** A carrier as error texts name it. */
export function carrierTitle(carrier: PropertyCarrier): string {
  return carrier === 'will' ? 'Will Properties' : carrier.toUpperCase();
}

/**
 * Refuses a property from the side that may not use it in this packet and, with `repeated`, one that may stand there
 * only once. Throws 'protocol-error' (section 2.2.2.2, [MQTT-3.3.4-6], [MQTT-3.14.2-2]).
 */
export function checkPropertyUse(
  property: PropertyRow,
  carrier: PropertyCarrier,
  sender: Side,
  repeated: boolean,
): void {
  const onlyFrom = property.onlyFrom[carrier];
  if (onlyFrom !== undefined && onlyFrom !== sender) {
    throw protocolError(`Cannot read ${carrierTitle(carrier)}: only a ${onlyFrom} may send a ${property.name} in it`);
  }
  if (repeated && !property.multiple.includes(carrier)) {
    throw protocolError(`Cannot read ${carrierTitle(carrier)}: ${property.name} occurs twice, expected once`);
  }
}

/**
 * Refuses a value that its type can hold and the property cannot: 'protocol-error' for a number out of its range,
 * 'topic-alias-invalid' (0x94) for Topic Alias 0, 'topic-name-invalid' (0x90) for a bad Response Topic.
 */
export function checkPropertyValue({ key, name, values }: PropertyRow, value: unknown): void {
  const found = `Cannot use ${name}`;
  if (values === 'topic-name') checkTopicField(value as string, name, 'MQTT-3.3.2-14');
  else if (values === 'bit' && (value as number) > 1) {
    throw protocolError(`${found} ${String(value)}: expected 0 or 1`);
  } else if (values === 'not-zero' && value === 0) {
    if (key !== 'topicAlias') throw protocolError(`${found} 0: expected 1 or more`);
    throw new MqttError('topic-alias-invalid', 0x94, `${found} 0: expected 1 or more [MQTT-3.3.2-8]`);
  }
}

function rowOf(line: string): PropertyRow {
  const [id, key, type, values, ...places] = line.split(' ');
  const packets: PropertyCarrier[] = [];
  const multiple: PropertyCarrier[] = [];
  const onlyFrom: Partial<Record<PropertyCarrier, Side>> = {};
  for (const place of places) {
    const [, packet, star, side] = /(\w+)(\*?)\/?(\w*)/.exec(place) as unknown as [
      string,
      PropertyCarrier,
      string,
      Side,
    ];
    packets.push(packet);
    if (star) multiple.push(packet);
    if (side) onlyFrom[packet] = side;
  }
  return { id: Number(id), key, name: nameOf(key), type, values, packets, multiple, onlyFrom } as PropertyRow;
}

/** `subscriptionIdentifiers` is `Subscription Identifier`, and `maximumQoS` `Maximum QoS`. */
function nameOf(key: string): string {
  const words = key
    .replace(/ies$/, 'y')
    .replace(/s$/, '')
    .replace(/[A-Z](?=[a-z])/g, ' $&');
  return words[0].toUpperCase() + words.slice(1);
}
