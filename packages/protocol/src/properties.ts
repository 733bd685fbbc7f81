/** The closed set of MQTT 5.0 properties, and what is right for each of them (section 2.2.2). */

import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { isIn, PACKET_NAMES, PACKET_TYPES, type PacketName, placesOf, type Side } from './packet-types.ts';
import type { Properties } from './packets.ts';
import { hexadecimal } from './reason-codes.ts';
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
 * A line for each: key, identifier, type, carriers, least value above 0, carriers in which it may stand more than once. Carriers
 * are in the letters of `placesOf`.
 *
 * Text, since it is a part of every client in a browser and code for the same would be twice as long.
 */
const TABLE = `payloadFormatIndicator 1 byte pw
messageExpiryInterval 2 uint32 pw
contentType 3 text pw
responseTopic 8 text pw
correlationData 9 binary pw
subscriptionIdentifiers 11 varint qs 1 p
sessionExpiryInterval 17 uint32 cCd
assignedClientIdentifier 18 text C
serverKeepAlive 19 uint16 C
authenticationMethod 21 text cCA
authenticationData 22 binary cCA
requestProblemInformation 23 byte c
willDelayInterval 24 uint32 w
requestResponseInformation 25 byte c
responseInformation 26 text C
serverReference 28 text CE
reasonString 31 text CPRSUDA
receiveMaximum 33 uint16 cC 1
topicAliasMaximum 34 uint16 cC
topicAlias 35 uint16 p 1
maximumQoS 36 byte C
retainAvailable 37 byte C
userProperties 38 pair cCpPRsSuUDAw 0 cCpPRsSuUDAw
maximumPacketSize 39 uint32 cC 1
wildcardSubscriptionAvailable 40 byte C
subscriptionIdentifierAvailable 41 byte C
sharedSubscriptionAvailable 42 byte C`;

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
  for (const { name } of PACKET_TYPES.filter(({ from }) => from === 'both')) {
    for (const [side, other] of [
      ['client', 'server'],
      ['server', 'client'],
    ] as const) {
      if (isIn(coded.carriers, name, side) && !isIn(coded.carriers, name, other))
        onlyFrom[name as PropertyCarrier] = side;
    }
  }
  return { id, key, name: nameOf(key), type, values: valuesOf(coded), packets, multiple, onlyFrom };
});

/** By identifier, for a look-up that costs nothing. */
const BY_ID: readonly (CodedProperty | undefined)[] = /* @__PURE__ */ Array.from({ length: 128 }, (_, id) =>
  CODED.find((coded) => coded.id === id),
);
const BY_KEY: ReadonlyMap<string, CodedProperty> = /* @__PURE__ */ new Map(
  /* @__PURE__ */ CODED.map((coded) => [coded.key, coded]),
);

/** The row of a key. */
export function propertyOf(key: string): CodedProperty | undefined {
  return BY_KEY.get(key);
}

/**
 * The row of an identifier. Throws 'malformed-packet' for one that is unknown or has no place in `carrier`,
 * 'protocol-error' from the side that may not use it there (section 2.2.2.2, [MQTT-3.3.4-6], [MQTT-3.14.2-2]).
 */
export function propertyIn(id: number, carrier: PropertyCarrier, sender: Side): CodedProperty {
  const property = BY_ID[id];
  if (property !== undefined && isIn(property.carriers, carrier, sender)) return property;
  const attempt = `Cannot read ${carrier.toUpperCase()}: `;
  if (property !== undefined && isIn(property.carriers, carrier)) {
    throw protocolError(`${attempt}a ${sender} may not send ${property.key} in it`);
  }
  throw malformedPacket(`${attempt}property ${hexadecimal(id)} has no place in it (2.2.2.2)`);
}

/** Refuses a property for the second time where it may stand only once. Throws 'protocol-error' (section 2.2.2.2). */
export function checkPropertyRepeats({ key, multiple }: CodedProperty, carrier: PropertyCarrier): void {
  if (isIn(multiple, carrier)) return;
  throw protocolError(`Cannot read ${carrier.toUpperCase()}: ${key} occurs twice, expected once`);
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
