/** Checks properties where they stand in a packet, without making values of them: the broker's way of a PUBLISH. */

import { malformedPacket } from './errors.ts';
import { type CodedProperty, checkPropertyValue } from './properties.ts';
import { checkTopicName, checkUtf8 } from './utf8-check.ts';
import { readVarint, varintSize } from './varint.ts';

/**
 * Checks the value at `at`, whose identifier has been read, and returns the offset behind it; allocates nothing.
 *
 * Throws 'malformed-packet' where it runs past `end` or holds bad text, and what `checkPropertyValue` throws.
 */
export function checkPropertyBytes(
  bytes: Uint8Array,
  at: number,
  end: number,
  property: CodedProperty,
  strictText: boolean,
): number {
  const next = valueEnd(bytes, at, end, property);
  switch (property.type) {
    case 'text':
      if (property.key !== 'responseTopic') checkUtf8(bytes, at + 2, next, strictText);
      else if (next === at + 2) checkPropertyValue(property, '');
      else checkTopicName(bytes, at + 2, next, strictText);
      break;
    case 'pair': {
      const nameEnd = at + 2 + uint16At(bytes, at);
      checkUtf8(bytes, at + 2, nameEnd, strictText);
      checkUtf8(bytes, nameEnd + 2, next, strictText);
      break;
    }
    case 'binary':
      break;
    case 'varint':
      checkPropertyValue(property, readVarint(bytes, at, end));
      break;
    default:
      if (property.minimum > 0 || property.type === 'byte') checkPropertyValue(property, numberAt(bytes, at, next));
  }
  return next;
}

/** The offset behind the value at `at`. */
function valueEnd(bytes: Uint8Array, at: number, end: number, property: CodedProperty): number {
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
  if (next > end) throw malformedPacket(`Cannot read ${property.key}: the properties end inside it`);
  return next;
}

/** May read behind the end: the result is then too large or too small to matter, as the length check comes after. */
function uint16At(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}

/** All bytes of the value as one number: what the limits of values ask is whether it is 0, or above 1. */
function numberAt(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let index = at; index < end; index++) value = value * 256 + bytes[index];
  return value;
}
