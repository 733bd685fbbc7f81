/**
 * Values of tables.
 *
 *     record         version (2), revision (6), the value as text (record-text.ts); version 1, which is only read, has what
 *                    `serialize` of node:v8 made of it
 *     index entry    version, then, where the key holds only the beginning of its terms, each term of the record
 *                    that shares the key: length (varint), text; that is a bucket (values.ts)
 */
import { deserialize } from 'node:v8';
import type { Chunk, Values } from './chunks.ts';
import { writeNumber } from './keys.ts';
import { DamagedValue, Reader } from './reader.ts';
import { readRecordText } from './record-text.ts';
import { VALUE_VERSION } from './values.ts';

const RECORD_VERSION = 2;
const HEADER_BYTES = 7;

/** `text`: what `writeRecordText` returned. */
export function encodeRecord(values: Values, revision: number, text: string): Chunk {
  const length = HEADER_BYTES + Buffer.byteLength(text);
  const chunk = values.room(length);
  const { bytes, used } = chunk;
  bytes[used] = RECORD_VERSION;
  writeNumber(bytes, used + 1, revision);
  bytes.write(text, used + HEADER_BYTES);
  chunk.start = used;
  chunk.end = used + length;
  chunk.used = chunk.end;
  return chunk;
}

/** Keeps nothing of `bytes`. @throws DamagedValue */
export function decodeRecord(bytes: Buffer): { revision: number; value: unknown } {
  const reader = new Reader(bytes);
  const isOfFormat3 = bytes[0] === VALUE_VERSION;
  reader.version(isOfFormat3 ? VALUE_VERSION : RECORD_VERSION);
  const revision = reader.number();
  return {
    revision,
    value: isOfFormat3 ? deserialized(Buffer.from(reader.rest())) : readRecordText(reader.restText()),
  };
}

/** What it returns may be views of it. */
function deserialized(serialized: Buffer): unknown {
  try {
    return deserialize(serialized);
  } catch (error) {
    throw new DamagedValue(`it is no serialized value (${error instanceof Error ? error.message : error})`);
  }
}
