/** The keys of table records and of secondary indexes; the layout stands in `keys.ts`. */
import { keyAfterPrefix, Tag, TEXT_BYTES_MAX, type TextHash } from './keys.ts';
import { DamagedValue } from './reader.ts';

const HASH_BYTES = 16;
const ESCAPED = 0xff;
const WHOLE = 0x01;
const CUT = 0x02;
const PLAIN_END = String.fromCharCode(0, WHOLE);

/** A term as it begins the keys under it. */
export interface TermKey {
  readonly bytes: Buffer;
  /** The key holds only its beginning: the full term stands in the value. */
  readonly isCut: boolean;
}

export function recordPrefix(table: string): Buffer {
  return Buffer.concat([Buffer.of(Tag.record), Buffer.from(table), Buffer.of(0)]);
}

export function indexPrefix(table: string, index: string): Buffer {
  return Buffer.concat([Buffer.of(Tag.index), Buffer.from(table), Buffer.of(0), Buffer.from(index), Buffer.of(0)]);
}

/** A term in keys: escaped and ended, or cut and hashed. */
export function termKey(term: string, hash: TextHash): TermKey {
  const escaped = escapeZeros(Buffer.from(term));
  if (escaped.length <= TEXT_BYTES_MAX) return { bytes: Buffer.concat([escaped, Buffer.of(0, WHOLE)]), isCut: false };
  const digest = hash(Buffer.from(term)).subarray(0, HASH_BYTES);
  return { bytes: Buffer.concat([cut(escaped), Buffer.of(0, CUT), digest]), isCut: true };
}

/** What is the same in keys and as text. */
const PLAIN = /^[\x01-\x7f]*$/;

/**
 * Key of the entry of an index that leads from a term to a record, as latin1 text; `start` is the prefix of the index and
 * `key` the key of the record, as such texts too. Most terms are plain, and cost no buffer.
 */
export function indexKey(start: string, term: string, key: string, hash: TextHash): { name: string; isCut: boolean } {
  if (term.length <= TEXT_BYTES_MAX && PLAIN.test(term))
    return { name: `${start}${term}${PLAIN_END}${key}`, isCut: false };
  const { bytes, isCut } = termKey(term, hash);
  return { name: start + bytes.toString('latin1') + key, isCut };
}

/** Bounds of the keys whose terms begin with `prefix`; of a long one, of all terms that share its beginning. */
export function termRange(indexStart: Buffer, prefix: string): { from: Buffer; to: Buffer } {
  const escaped = escapeZeros(Buffer.from(prefix));
  const from = Buffer.concat([indexStart, escaped.length <= TEXT_BYTES_MAX ? escaped : cut(escaped)]);
  return { from, to: keyAfterPrefix(from) };
}

function cut(escaped: Buffer): Buffer {
  // Not between a zero and what escapes it.
  return escaped.subarray(0, escaped[TEXT_BYTES_MAX - 1] === 0 ? TEXT_BYTES_MAX - 1 : TEXT_BYTES_MAX);
}

function escapeZeros(text: Buffer): Buffer {
  if (!text.includes(0)) return text;
  const parts: number[] = [];
  for (const byte of text) {
    parts.push(byte);
    if (byte === 0) parts.push(ESCAPED);
  }
  return Buffer.from(parts);
}

export interface ParsedRecordKey {
  readonly table: string;
  readonly key: string;
}

export interface ParsedIndexKey extends ParsedRecordKey {
  readonly index: string;
  /** The term where all of it stands in the key. */
  readonly term: string | undefined;
}

/** @throws DamagedValue */
export function parseRecordKey(bytes: Buffer): ParsedRecordKey {
  const tableEnd = zeroFrom(bytes, 1);
  return { table: bytes.toString('utf8', 1, tableEnd), key: bytes.toString('utf8', tableEnd + 1) };
}

/** @throws DamagedValue */
export function parseIndexKey(bytes: Buffer): ParsedIndexKey {
  const tableEnd = zeroFrom(bytes, 1);
  const indexEnd = zeroFrom(bytes, tableEnd + 1);
  const table = bytes.toString('utf8', 1, tableEnd);
  const index = bytes.toString('utf8', tableEnd + 1, indexEnd);
  const term: number[] = [];
  for (let at = indexEnd + 1; at + 1 < bytes.length; at++) {
    term.push(bytes[at]);
    if (bytes[at] !== 0) continue;
    at += 1;
    if (bytes[at] === ESCAPED) continue;
    term.pop();
    if (bytes[at] === WHOLE)
      return { table, index, term: Buffer.from(term).toString(), key: bytes.toString('utf8', at + 1) };
    if (bytes[at] === CUT) return { table, index, term: undefined, key: bytes.toString('utf8', at + 1 + HASH_BYTES) };
    break;
  }
  throw new DamagedValue('its term does not end');
}

function zeroFrom(bytes: Buffer, start: number): number {
  const at = bytes.indexOf(0, start);
  if (at < 0) throw new DamagedValue('its names do not end');
  return at;
}
