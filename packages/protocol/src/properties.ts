/** The closed set of MQTT 5.0 properties, and what is right for each of them (section 2.2.2). */

import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { isIn, PACKET_NAMES, type PacketName, type Side } from './packet-types.ts';
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
 * A line for each: key, identifier, type, carriers, least value above 0, carriers in which it may stand more than once.
 * Carriers are hexadecimal, bits as `isIn` has them; of those that both sides send alike only the lower half is written.
 *
 * Text, since it is a part of every client in a browser and code for the same would be twice as long.
 */
const TABLE = `payloadFormatIndicator 1 byte 9
messageExpiryInterval 2 uint32 9
contentType 3 text 9
responseTopic 8 text 9
correlationData 9 binary 9
subscriptionIdentifiers 11 varint 1080100 1 8
sessionExpiryInterval 17 uint32 64006
assignedClientIdentifier 18 text 4
serverKeepAlive 19 uint16 4
authenticationMethod 21 text 8006
authenticationData 22 binary 8006
requestProblemInformation 23 byte 2
willDelayInterval 24 uint32 1
requestResponseInformation 25 byte 2
responseInformation 26 text 4
serverReference 28 text 40040004
reasonString 31 text caf4
receiveMaximum 33 uint16 6 1
topicAliasMaximum 34 uint16 6
topicAlias 35 uint16 8 1
maximumQoS 36 byte 4
retainAvailable 37 byte 4
userProperties 38 pair cfff 0 cfff
maximumPacketSize 39 uint32 6 1
wildcardSubscriptionAvailable 40 byte 4
subscriptionIdentifierAvailable 41 byte 4
sharedSubscriptionAvailable 42 byte 4`;

/** What the codec knows of a property; `PROPERTIES` is the same for people. */
export interface CodedProperty extends Pick<PropertyRow, 'id' | 'key' | 'type'> {
  /** As `isIn` has them. */
  readonly carriers: number;
  readonly multiple: number;
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
  const [key, id, type, carriers, minimum = 0, multiple = ''] = line.split(' ');
  return {
    id: Number(id),
    key: key as keyof Properties,
    type: type as PropertyType,
    carriers: placesOf(carriers),
    multiple: placesOf(multiple),
    minimum: Number(minimum),
    maximum: MAXIMA[type],
  };
});

/** All 27 properties, by identifier. */
export const PROPERTIES: readonly PropertyRow[] = /* @__PURE__ */ CODED.map((coded) => {
  const { id, key, type } = coded;
  const all: PropertyCarrier[] = [...(PACKET_NAMES as PropertyCarrier[]), 'will'];
  const packets = all.filter((carrier) => isIn(coded.carriers, carrier));
  const multiple = all.filter((carrier) => isIn(coded.multiple, carrier));
  const onlyFrom: Partial<Record<PropertyCarrier, Side>> = {};
  for (const carrier of packets) {
    if (!isIn(coded.carriers, carrier, 'client')) onlyFrom[carrier] = 'server';
    if (!isIn(coded.carriers, carrier, 'server')) onlyFrom[carrier] = 'client';
  }
  return { id, key, name: nameOf(key), type, values: valuesOf(coded), packets, multiple, onlyFrom };
});

const BY_ID = /* @__PURE__ */ new Map<unknown, CodedProperty>(
  /* @__PURE__ */ CODED.flatMap((coded) => [[coded.id, coded] as const, [coded.key, coded] as const]),
);

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
  { key, carriers, multiple }: CodedProperty,
  carrier: PropertyCarrier,
  sender: Side,
  repeated: boolean,
): void {
  const fault = isIn(carriers, carrier, sender)
    ? repeated && !isIn(multiple, carrier) && `${key} occurs twice, expected once`
    : `a ${sender} may not send ${key} in it`;
  if (fault) throw protocolError(`Cannot read ${carrierTitle(carrier)}: ${fault}`);
}

/**
 * Refuses a value that the property cannot have: 'protocol-error' for what is no integer or out of its range,
 * 'topic-alias-invalid' (0x94) for such a Topic Alias, 'topic-name-invalid' (0x90) for a bad Response Topic.
 */
export function checkPropertyValue({ key, minimum, maximum }: CodedProperty, value: unknown): void {
  if (key === 'responseTopic') checkTopicField(value as string, key, 'MQTT-3.3.2-14');
  const why = maximum === undefined ? undefined : wrongWithInteger(value, minimum, maximum);
  if (why === undefined) return;
  const message = `Cannot use ${key} ${why}`;
  throw key === 'topicAlias' ? new MqttError('topic-alias-invalid', 0x94, message) : protocolError(message);
}

/** Why a value is no integer of this range. */
export function wrongWithInteger(value: unknown, minimum: number, maximum: number): string | undefined {
  if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) return undefined;
  return `${String(value)} (${typeof value}), expected ${minimum} to ${maximum}`;
}

/** Carriers as the table has them. */
function placesOf(hexadecimal: string): number {
  return Number(`0x${hexadecimal.length > 4 ? hexadecimal : hexadecimal + hexadecimal.padStart(4, '0')}`);
}

function valuesOf({ key, type, minimum }: CodedProperty): PropertyValues {
  if (key === 'responseTopic') return 'topic-name';
  if (type === 'byte') return 'bit';
  return minimum > 0 ? 'not-zero' : 'any';
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
