/**
 * Values of tables.
 *
 *     record         version, revision (6), the value as `structuredClone` would copy it (node:v8)
 *     index entry    version, then, where the key holds only the beginning of its terms, each term of the record
 *                    that shares the key: length (varint), text; that is a bucket (values.ts)
 */
import { deserialize, serialize } from 'node:v8';
import type { Chunk, Values } from './chunks.ts';
import { writeNumber } from './keys.ts';
import { DamagedValue, Reader } from './reader.ts';
import { VALUE_VERSION } from './values.ts';

const HEADER_BYTES = 7;

/** Copies a value that later changes cannot reach. @throws what is no plain data */
export function serializeValue(value: unknown): Buffer {
  return serialize(value);
}

export function encodeRecord(values: Values, revision: number, serialized: Buffer): Chunk {
  const chunk = values.room(HEADER_BYTES + serialized.length);
  const { bytes, used } = chunk;
  bytes[used] = VALUE_VERSION;
  writeNumber(bytes, used + 1, revision);
  serialized.copy(bytes, used + HEADER_BYTES);
  chunk.start = used;
  chunk.end = used + HEADER_BYTES + serialized.length;
  chunk.used = chunk.end;
  return chunk;
}

/** @throws DamagedValue */
export function decodeRecord(value: Buffer): { revision: number; value: unknown } {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const revision = reader.number();
  return { revision, value: deserializeValue(reader.rest()) };
}

/** @throws DamagedValue */
export function deserializeValue(serialized: Buffer): unknown {
  try {
    return deserialize(serialized);
  } catch (error) {
    throw new DamagedValue(`it is no serialized value (${error instanceof Error ? error.message : error})`);
  }
}
