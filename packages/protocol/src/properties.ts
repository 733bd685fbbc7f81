/** The closed set of MQTT 5.0 properties, and what is right for each of them (section 2.2.2). */

import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { PACKET_NAMES, type PacketName, PacketType, type Side } from './packet-types.ts';
import type { Properties } from './packets.ts';
import { checkTopicField } from './topic.ts';
import { VARINT_MAXIMUM } from './varint.ts';

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
 * A line for each: identifier, key, type, values, carriers, and where there are such: carriers in which it may stand more
 * than once; a packet in which only one side may use it, and the side. Carriers are hexadecimal numbers with bit n for
 * packet type n and bit 0 for the Will.
 *
 * Text, since it is a part of every client in a browser and code for the same would be twice as long.
 */
const TABLE = `1 payloadFormatIndicator byte bit 9
2 messageExpiryInterval uint32 any 9
3 contentType text any 9
8 responseTopic text topic-name 9
9 correlationData binary any 9
11 subscriptionIdentifiers varint not-zero 108 8 publish server
17 sessionExpiryInterval uint32 any 4006 0 disconnect client
18 assignedClientIdentifier text any 4
19 serverKeepAlive uint16 any 4
21 authenticationMethod text any 8006
22 authenticationData binary any 8006
23 requestProblemInformation byte bit 2
24 willDelayInterval uint32 any 1
25 requestResponseInformation byte bit 2
26 responseInformation text any 4
28 serverReference text any 4004 0 disconnect server
31 reasonString text any caf4
33 receiveMaximum uint16 not-zero 6
34 topicAliasMaximum uint16 any 6
35 topicAlias uint16 not-zero 8
36 maximumQoS byte bit 4
37 retainAvailable byte bit 4
38 userProperties pair any cfff cfff
39 maximumPacketSize uint32 not-zero 6
40 wildcardSubscriptionAvailable byte bit 4
41 subscriptionIdentifierAvailable byte bit 4
42 sharedSubscriptionAvailable byte bit 4`;

/** What the codec knows of a property; `PROPERTIES` is the same for people. */
export interface CodedProperty extends Pick<PropertyRow, 'id' | 'key' | 'type' | 'values'> {
  /** Bits as in the table. */
  readonly carriers: number;
  readonly multiple: number;
  readonly limitedIn: string | undefined;
  readonly onlyFrom: string | undefined;
  /** Of an integer. */
  readonly minimum: number;
  readonly maximum: number | undefined;
}

const MAXIMA: Readonly<Record<string, number>> = {
  byte: 1,
  uint16: 65_535,
  uint32: 0xffff_ffff,
  varint: VARINT_MAXIMUM,
};

/** The rows as the codec has them, in the order of `PROPERTIES`. */
export const CODED: readonly CodedProperty[] = /* @__PURE__ */ TABLE.split('\n').map((line) => {
  const [id, key, type, values, carriers, multiple = '0', limitedIn, onlyFrom] = line.split(' ');
  return {
    id: Number(id),
    key: key as keyof Properties,
    type: type as PropertyType,
    values: values as PropertyValues,
    carriers: Number.parseInt(carriers, 16),
    multiple: Number.parseInt(multiple, 16),
    limitedIn,
    onlyFrom,
    minimum: Number(values === 'not-zero'),
    maximum: MAXIMA[type],
  };
});

/** All 27 properties, by identifier. */
export const PROPERTIES: readonly PropertyRow[] = /* @__PURE__ */ CODED.map((coded) => {
  const { id, key, type, values, limitedIn, onlyFrom } = coded;
  const all: PropertyCarrier[] = [...(PACKET_NAMES as PropertyCarrier[]), 'will'];
  const packets = all.filter((carrier) => isIn(coded.carriers, carrier));
  const multiple = all.filter((carrier) => isIn(coded.multiple, carrier));
  const sides = limitedIn === undefined ? {} : { [limitedIn]: onlyFrom as Side };
  return { id, key, name: nameOf(key), type, values, packets, multiple, onlyFrom: sides };
});

const BY_ID = /* @__PURE__ */ new Map<unknown, CodedProperty>(
  /* @__PURE__ */ CODED.flatMap((coded) => [[coded.id, coded] as const, [coded.key, coded] as const]),
);

/** Whether a carrier is among those of the bits. */
export function isIn(carriers: number, carrier: PropertyCarrier): boolean {
  return ((carriers >> (carrier === 'will' ? 0 : PacketType[carrier])) & 1) === 1;
}

/** The row of an identifier or a key. */
export function propertyOf(idOrKey: number | string): CodedProperty | undefined {
  return BY_ID.get(idOrKey);
}

/** The row of an identifier. Throws 'malformed-packet' for one that is unknown or has no place in `carrier`. */
export function propertyIn(id: number, carrier: PropertyCarrier): CodedProperty {
  const property = BY_ID.get(id);
  if (property !== undefined && isIn(property.carriers, carrier)) return property;
  throw malformedPacket(
    `Cannot read ${carrierTitle(carrier)}: property 0x${id.toString(16)} has no place in it (2.2.2.2)`,
  );
}

/** A carrier as error texts name it. */
export function carrierTitle(carrier: PropertyCarrier | PacketName): string {
  return carrier === 'will' ? 'Will Properties' : carrier.toUpperCase();
}

/**
 * Refuses a property from the side that may not use it in this packet and, with `repeated`, one that may stand there
 * only once. Throws 'protocol-error' (section 2.2.2.2, [MQTT-3.3.4-6], [MQTT-3.14.2-2]).
 */
export function checkPropertyUse(
  { key, multiple, limitedIn, onlyFrom }: CodedProperty,
  carrier: PropertyCarrier,
  sender: Side,
  repeated: boolean,
): void {
  const fault =
    limitedIn === carrier && onlyFrom !== sender
      ? `only a ${onlyFrom} may send ${key} in it`
      : repeated && !isIn(multiple, carrier) && `${key} occurs twice, expected once`;
  if (fault) throw protocolError(`Cannot read ${carrierTitle(carrier)}: ${fault}`);
}

/**
 * Refuses a value that the property cannot have: 'protocol-error' for what is no integer or out of its range,
 * 'topic-alias-invalid' (0x94) for such a Topic Alias, 'topic-name-invalid' (0x90) for a bad Response Topic.
 */
export function checkPropertyValue({ key, values, minimum, maximum }: CodedProperty, value: unknown): void {
  if (values === 'topic-name') checkTopicField(value as string, key, 'MQTT-3.3.2-14');
  if (maximum === undefined) return;
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) return;
  const message = `Cannot use ${key} ${String(value)} (${typeof value}): expected ${minimum} to ${maximum}`;
  throw key === 'topicAlias' ? new MqttError('topic-alias-invalid', 0x94, message) : protocolError(message);
}

/** `subscriptionIdentifiers` is `Subscription Identifier`, `userProperties` is `User Property`, and `maximumQoS` `Maximum QoS`. */
function nameOf(key: string): string {
  const words = key
    .replace(/ies$/, 'y')
    // Not any: an alias is one.
    .replace(/rs$/, 'r')
    .replace(/[A-Z](?=[a-z])/g, ' $&');
  return words[0].toUpperCase() + words.slice(1);
}
