/** Reads and writes property blocks: a length, then properties (section 2.2.2). */

import { packetTooLarge } from './errors.ts';
import { PacketReader } from './packet-reader.ts';
import { isIn, type Side } from './packet-types.ts';
import { PacketWriter } from './packet-writer.ts';
import { NO_PROPERTIES, type Properties } from './packets.ts';
import {
  checkPropertyRepeats,
  checkPropertyValue,
  type PropertyCarrier,
  propertyIn,
  propertyOf,
} from './properties.ts';
import type { TextCheck } from './utf8.ts';

/** Values of one property: they take many times the memory of their bytes. */
const VALUES_MAX = 1_000_000;

/** The property block at the reader's position; none before 5.0. Throws as `readProperties` does. */
export function readPropertyBlock(reader: PacketReader, carrier = reader.carrier as PropertyCarrier): Properties {
  if (reader.version !== 5) return NO_PROPERTIES;
  const start = reader.skip(reader.varint(), 'properties');
  return readProperties(reader.bytes, start, reader.at, carrier, reader.sender, reader.checkText);
}

/**
 * The properties in bytes [start, end), the content of a property block behind its length.
 *
 * Binary values are views of `bytes`. Throws 'malformed-packet' for a property that is unknown or has no place in
 * `carrier`, for one that runs past `end` and for bad text; what `propertyIn` and `checkPropertyValue` throw,
 * 'protocol-error' for Authentication Data without an Authentication Method, and 'packet-too-large' (0x95) for more than
 * a million User Properties or Subscription Identifiers.
 */
export function readProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  carrier: PropertyCarrier,
  sender: Side,
  checkText?: TextCheck,
): Properties {
  if (start === end) return NO_PROPERTIES;
  const reader = new PacketReader(carrier, sender, 5, bytes, start, end, checkText);
  const properties: Record<string, unknown> = {};
  while (reader.rest > 0) {
    const property = propertyIn(reader.varint(), carrier, sender);
    const { key } = property;
    const before = properties[key] as unknown[] | undefined;
    if (before !== undefined) checkPropertyRepeats(property, carrier);
    const value = reader[property.type](key);
    checkPropertyValue(property, value);
    if (property.multiple === 0) properties[key] = value;
    else if (before === undefined) properties[key] = [value];
    else if (before.push(value) > VALUES_MAX) {
      throw packetTooLarge(
        `Cannot read ${reader.title}: ${key} has more than ${VALUES_MAX} values, fewer are expected`,
      );
    }
  }
  checkAuthentication(properties, reader);
  return properties;
}

/**
 * Writes the property block of the writer's carrier, in the order of the object's keys; none before 5.0.
 *
 * Throws, as reading it would, for a property that has no place in the carrier or whose value is out of its range.
 */
export function writePropertyBlock(writer: PacketWriter, properties: Properties): void {
  const { carrier, version } = writer;
  if (version !== 5) return;
  checkAuthentication(properties, writer);
  const block = writer.openBlock();
  for (const key in properties) {
    const value: unknown = properties[key as keyof Properties];
    if (value === undefined) continue;
    const property = propertyOf(key);
    if (property === undefined || !isIn(property.carriers, carrier)) {
      throw writer.forbidden(`property "${key}" has no place in it (2.2.2.2)`);
    }
    const { id, type, multiple } = property;
    const values = multiple === 0 ? [value] : (value as readonly unknown[]);
    if (!Array.isArray(values)) throw writer.forbidden(`its ${key} is ${typeof values}, expected an array`);
    if (values.length > 1 && !isIn(multiple, carrier)) throw writer.forbidden(`${key} occurs twice, expected once`);
    for (const one of values) {
      checkPropertyValue(property, one);
      writer.varint(id);
      writer[type](one as never, key);
    }
  }
  writer.closeBlock(block);
}

/** A property block as it stands in a packet. Throws as `writePropertyBlock` does. */
export function encodeProperties(properties: Properties, carrier: PropertyCarrier): Uint8Array {
  const writer = new PacketWriter();
  writer.carrier = carrier;
  writePropertyBlock(writer, properties);
  return writer.bytes.subarray(0, writer.length);
}

function checkAuthentication(properties: Properties, packet: PacketReader | PacketWriter): void {
  if (properties.authenticationData === undefined || properties.authenticationMethod !== undefined) return;
  throw packet.forbidden('it has Authentication Data without an Authentication Method (3.1.2.11.10)');
}
