/** The closed set of MQTT 5.0 properties, and reading and writing of property blocks from its table (section 2.2.2). */

import { MqttError, malformedPacket, protocolError } from './errors.ts';
import { PACKET_TYPES, type PacketName, type Side } from './packet-types.ts';
import { NO_PROPERTIES, type Properties, type UserProperty } from './packets.ts';
import { checkTopicName, checkUtf8, readUtf8, TEXT_BYTES_MAXIMUM, utf8Length, writeUtf8 } from './utf8.ts';
import { readVarint, VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';

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

const EVERYWHERE: readonly PropertyCarrier[] = [
  ...(PACKET_TYPES.map((row) => row.name).filter((name) => !name.startsWith('ping')) as PropertyCarrier[]),
  'will',
];
const ANSWERS = 'connack puback pubrec pubrel pubcomp suback unsuback disconnect auth';

/** All 27 properties, by identifier. */
export const PROPERTIES: readonly PropertyRow[] = [
  row(0x01, 'payloadFormatIndicator', 'Payload Format Indicator', 'byte', 'bit', 'publish will'),
  row(0x02, 'messageExpiryInterval', 'Message Expiry Interval', 'uint32', 'any', 'publish will'),
  row(0x03, 'contentType', 'Content Type', 'text', 'any', 'publish will'),
  row(0x08, 'responseTopic', 'Response Topic', 'text', 'topic-name', 'publish will'),
  row(0x09, 'correlationData', 'Correlation Data', 'binary', 'any', 'publish will'),
  {
    ...row(0x0b, 'subscriptionIdentifiers', 'Subscription Identifier', 'varint', 'not-zero', 'publish subscribe'),
    multiple: ['publish'],
    onlyFrom: { publish: 'server' },
  },
  {
    ...row(0x11, 'sessionExpiryInterval', 'Session Expiry Interval', 'uint32', 'any', 'connect connack disconnect'),
    onlyFrom: { disconnect: 'client' },
  },
  row(0x12, 'assignedClientIdentifier', 'Assigned Client Identifier', 'text', 'any', 'connack'),
  row(0x13, 'serverKeepAlive', 'Server Keep Alive', 'uint16', 'any', 'connack'),
  row(0x15, 'authenticationMethod', 'Authentication Method', 'text', 'any', 'connect connack auth'),
  row(0x16, 'authenticationData', 'Authentication Data', 'binary', 'any', 'connect connack auth'),
  row(0x17, 'requestProblemInformation', 'Request Problem Information', 'byte', 'bit', 'connect'),
  row(0x18, 'willDelayInterval', 'Will Delay Interval', 'uint32', 'any', 'will'),
  row(0x19, 'requestResponseInformation', 'Request Response Information', 'byte', 'bit', 'connect'),
  row(0x1a, 'responseInformation', 'Response Information', 'text', 'any', 'connack'),
  {
    ...row(0x1c, 'serverReference', 'Server Reference', 'text', 'any', 'connack disconnect'),
    onlyFrom: { disconnect: 'server' },
  },
  row(0x1f, 'reasonString', 'Reason String', 'text', 'any', ANSWERS),
  row(0x21, 'receiveMaximum', 'Receive Maximum', 'uint16', 'not-zero', 'connect connack'),
  row(0x22, 'topicAliasMaximum', 'Topic Alias Maximum', 'uint16', 'any', 'connect connack'),
  row(0x23, 'topicAlias', 'Topic Alias', 'uint16', 'not-zero', 'publish'),
  row(0x24, 'maximumQoS', 'Maximum QoS', 'byte', 'bit', 'connack'),
  row(0x25, 'retainAvailable', 'Retain Available', 'byte', 'bit', 'connack'),
  { ...row(0x26, 'userProperties', 'User Property', 'pair', 'any', ''), packets: EVERYWHERE, multiple: EVERYWHERE },
  row(0x27, 'maximumPacketSize', 'Maximum Packet Size', 'uint32', 'not-zero', 'connect connack'),
  row(0x28, 'wildcardSubscriptionAvailable', 'Wildcard Subscription Available', 'byte', 'bit', 'connack'),
  row(0x29, 'subscriptionIdentifierAvailable', 'Subscription Identifier Available', 'byte', 'bit', 'connack'),
  row(0x2a, 'sharedSubscriptionAvailable', 'Shared Subscription Available', 'byte', 'bit', 'connack'),
];

/** Identifier to row; an unknown identifier finds nothing. */
const BY_ID: readonly (PropertyRow | undefined)[] = Array.from({ length: 128 }, (_, id) =>
  PROPERTIES.find((entry) => entry.id === id),
);
const BY_KEY: ReadonlyMap<string, PropertyRow> = new Map(PROPERTIES.map((entry) => [entry.key, entry]));

/** The row of an identifier. Throws 'malformed-packet' for one that is unknown or has no place in `carrier`. */
export function propertyAt(bytes: Uint8Array, at: number, end: number, carrier: PropertyCarrier): PropertyRow {
  const id = readVarint(bytes, at, end);
  const property = BY_ID[id];
  if (property?.packets.includes(carrier)) return property;
  throw malformedPacket(`Cannot read ${titleOf(carrier)}: property 0x${id.toString(16)} has no place in it (2.2.2.2)`);
}

/**
 * Checks the value at `at`, whose identifier has been read, and returns the offset behind it; allocates nothing.
 *
 * Throws 'malformed-packet' where it runs past `end` or holds bad text, 'protocol-error' for a number out of its range,
 * 'topic-alias-invalid' (0x94) for Topic Alias 0 and 'topic-name-invalid' (0x90) for a bad Response Topic.
 */
export function checkPropertyValue(
  bytes: Uint8Array,
  at: number,
  end: number,
  property: PropertyRow,
  strictText: boolean,
): number {
  const next = valueEnd(bytes, at, end, property);
  switch (property.type) {
    case 'text':
      checkText(bytes, at + 2, next, property, strictText);
      break;
    case 'pair': {
      const nameEnd = at + 2 + uint16At(bytes, at);
      checkUtf8(bytes, at + 2, nameEnd, strictText);
      checkUtf8(bytes, nameEnd + 2, next, strictText);
      break;
    }
    case 'binary':
      break;
    default:
      checkNumber(property, numberAt(bytes, at, property.type));
  }
  return next;
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
    throw protocolError(`Cannot read ${titleOf(carrier)}: only a ${onlyFrom} may send a ${property.name} in it`);
  }
  if (repeated && !property.multiple.includes(carrier)) {
    throw protocolError(`Cannot read ${titleOf(carrier)}: ${property.name} occurs twice, expected once`);
  }
}

/**
 * The properties in bytes [start, end), the content of a property block behind its length.
 *
 * Binary values are views of `bytes`. Throws as `propertyAt`, `checkPropertyUse` and `checkPropertyValue` do.
 */
export function readProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  carrier: PropertyCarrier,
  sender: Side,
  strictText = true,
): Properties {
  if (start === end) return NO_PROPERTIES;
  const properties: Record<string, unknown> = {};
  let at = start;
  while (at < end) {
    const property = propertyAt(bytes, at, end, carrier);
    at += varintSize(property.id);
    checkPropertyUse(property, carrier, sender, properties[property.key] !== undefined);
    const next = checkPropertyValue(bytes, at, end, property, strictText);
    addValue(properties, property, valueAt(bytes, at, next, property, strictText));
    at = next;
  }
  return properties;
}

/**
 * How many bytes `writeProperties` writes: the properties without their length.
 *
 * Throws, as reading them would, for a property that has no place in `carrier` or whose value is out of its range.
 */
export function propertiesLength(properties: Properties, carrier: PropertyCarrier): number {
  let length = 0;
  for (const key in properties) {
    const value = properties[key as keyof Properties];
    if (value === undefined) continue;
    const property = BY_KEY.get(key);
    if (property === undefined || !property.packets.includes(carrier)) {
      throw protocolError(`Cannot write ${titleOf(carrier)}: property "${key}" has no place in it (2.2.2.2)`);
    }
    length += valuesLength(property, value, carrier);
  }
  return length;
}

/**
 * Writes the properties at `at` without their length, in the order of the object's keys, and returns the offset behind
 * them. The caller made room for `propertiesLength` bytes, which also checked them.
 */
export function writeProperties(bytes: Uint8Array, at: number, properties: Properties): number {
  let next = at;
  for (const key in properties) {
    const value = properties[key as keyof Properties];
    const property = BY_KEY.get(key);
    if (value === undefined || property === undefined) continue;
    if (property.multiple.length === 0) {
      next = writeValue(bytes, writeVarint(bytes, next, property.id), property, value);
      continue;
    }
    for (const one of value as readonly unknown[]) {
      next = writeValue(bytes, writeVarint(bytes, next, property.id), property, one);
    }
  }
  return next;
}

/** A property block as it stands in a packet: the length, then the properties. Throws as `propertiesLength` does. */
export function encodeProperties(properties: Properties, carrier: PropertyCarrier): Uint8Array {
  const length = propertiesLength(properties, carrier);
  const bytes = new Uint8Array(varintSize(length) + length);
  writeProperties(bytes, writeVarint(bytes, 0, length), properties);
  return bytes;
}

function row(
  id: number,
  key: keyof Properties,
  name: string,
  type: PropertyType,
  values: PropertyValues,
  packets: string,
): PropertyRow {
  return { id, key, name, type, values, packets: packets.split(' ') as PropertyCarrier[], multiple: [], onlyFrom: {} };
}

function titleOf(carrier: PropertyCarrier): string {
  return carrier === 'will' ? 'Will Properties' : carrier.toUpperCase();
}

/** The offset behind the value at `at`. */
function valueEnd(bytes: Uint8Array, at: number, end: number, property: PropertyRow): number {
  let next = at;
  switch (property.type) {
    case 'byte':
      next += 1;
      break;
    case 'uint16':
      next += 2;
      break;
    case 'uint32':
      next += 4;
      break;
    case 'varint':
      return at + varintSize(readVarint(bytes, at, end));
    case 'pair':
      next += 2 + uint16At(bytes, at);
      next += 2 + uint16At(bytes, next);
      break;
    default:
      next += 2 + uint16At(bytes, at);
  }
  if (next > end) throw malformedPacket(`Cannot read ${property.name}: the properties end inside it`);
  return next;
}

/** May read behind the end: the result is then too large or too small to matter, as the length check comes after. */
function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

function numberAt(bytes: Uint8Array, at: number, type: PropertyType): number {
  switch (type) {
    case 'byte':
      return bytes[at];
    case 'uint16':
      return uint16At(bytes, at);
    case 'uint32':
      return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
    default:
      return readVarint(bytes, at, bytes.length);
  }
}

function checkNumber(property: PropertyRow, value: number): void {
  if (property.values === 'bit' && value > 1) {
    throw protocolError(`Cannot use ${property.name} ${value}: expected 0 or 1`);
  }
  if (property.values !== 'not-zero' || value !== 0) return;
  if (property.key !== 'topicAlias') throw protocolError(`Cannot use ${property.name} 0: expected 1 or more`);
  throw new MqttError('topic-alias-invalid', 0x94, 'Cannot use Topic Alias 0: expected 1 or more [MQTT-3.3.2-8]');
}

function checkText(bytes: Uint8Array, start: number, end: number, property: PropertyRow, strictText: boolean): void {
  if (property.values !== 'topic-name') {
    checkUtf8(bytes, start, end, strictText);
    return;
  }
  if (start === end) throw emptyTopicName(property);
  checkTopicName(bytes, start, end, strictText);
}

function emptyTopicName(property: PropertyRow): MqttError {
  return new MqttError('topic-name-invalid', 0x90, `Cannot use ${property.name}: it is empty [MQTT-4.7.3-1]`);
}

function valueAt(bytes: Uint8Array, at: number, end: number, property: PropertyRow, strictText: boolean): unknown {
  switch (property.type) {
    case 'text':
      return readUtf8(bytes, at + 2, end, strictText);
    case 'binary':
      return bytes.subarray(at + 2, end);
    case 'pair': {
      const nameEnd = at + 2 + uint16At(bytes, at);
      return [readUtf8(bytes, at + 2, nameEnd, strictText), readUtf8(bytes, nameEnd + 2, end, strictText)];
    }
    default:
      return numberAt(bytes, at, property.type);
  }
}

function addValue(properties: Record<string, unknown>, property: PropertyRow, value: unknown): void {
  if (property.multiple.length === 0) {
    properties[property.key] = value;
    return;
  }
  const values = properties[property.key] as unknown[] | undefined;
  if (values === undefined) properties[property.key] = [value];
  else values.push(value);
}

function valuesLength(property: PropertyRow, value: unknown, carrier: PropertyCarrier): number {
  const idSize = varintSize(property.id);
  if (property.multiple.length === 0) return idSize + valueLength(property, value);
  const values = value as readonly unknown[];
  if (values.length > 1 && !property.multiple.includes(carrier)) {
    throw protocolError(`Cannot write ${titleOf(carrier)}: ${property.name} occurs twice, expected once`);
  }
  let length = 0;
  for (const one of values) length += idSize + valueLength(property, one);
  return length;
}

function valueLength(property: PropertyRow, value: unknown): number {
  switch (property.type) {
    case 'byte':
      return numberLength(property, value, 0xff, 1);
    case 'uint16':
      return numberLength(property, value, 0xffff, 2);
    case 'uint32':
      return numberLength(property, value, 0xffff_ffff, 4);
    case 'varint':
      return numberLength(property, value, VARINT_MAXIMUM, varintSize(value as number));
    case 'text':
      return textLength(property, value as string);
    case 'binary': {
      const { length } = value as Uint8Array;
      if (length > TEXT_BYTES_MAXIMUM) throw tooLong(property, length);
      return 2 + length;
    }
    case 'pair': {
      const [name, text] = value as UserProperty;
      return textLength(property, name) + textLength(property, text);
    }
  }
}

function numberLength(property: PropertyRow, value: unknown, maximum: number, size: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > maximum) {
    throw protocolError(`Cannot use ${property.name} ${String(value)}: expected an integer from 0 to ${maximum}`);
  }
  checkNumber(property, value);
  return size;
}

function textLength(property: PropertyRow, text: string): number {
  const length = utf8Length(text);
  if (length > TEXT_BYTES_MAXIMUM) throw tooLong(property, length);
  if (property.values !== 'topic-name') return 2 + length;
  if (text === '') throw emptyTopicName(property);
  if (!text.includes('+') && !text.includes('#')) return 2 + length;
  const message = `Cannot use ${property.name}: it holds a wildcard [MQTT-3.3.2-14]`;
  throw new MqttError('topic-name-invalid', 0x90, message);
}

function tooLong(property: PropertyRow, length: number): MqttError {
  return malformedPacket(`Cannot use ${property.name}: it has ${length} bytes, at most ${TEXT_BYTES_MAXIMUM} fit`);
}

function writeValue(bytes: Uint8Array, at: number, property: PropertyRow, value: unknown): number {
  switch (property.type) {
    case 'byte':
      bytes[at] = value as number;
      return at + 1;
    case 'uint16':
      return writeUint16(bytes, at, value as number);
    case 'uint32':
      return writeUint16(bytes, writeUint16(bytes, at, (value as number) >>> 16), (value as number) & 0xffff);
    case 'varint':
      return writeVarint(bytes, at, value as number);
    case 'text':
      return writeText(bytes, at, value as string);
    case 'binary': {
      const data = value as Uint8Array;
      bytes.set(data, writeUint16(bytes, at, data.length));
      return at + 2 + data.length;
    }
    case 'pair': {
      const [name, text] = value as UserProperty;
      return writeText(bytes, writeText(bytes, at, name), text);
    }
  }
}

function writeUint16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value & 0xff;
  return at + 2;
}

function writeText(bytes: Uint8Array, at: number, text: string): number {
  const end = writeUtf8(bytes, at + 2, text);
  writeUint16(bytes, at, end - at - 2);
  return end;
}
