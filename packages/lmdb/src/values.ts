/**
 * How values are encoded. Each begins with a version byte; numbers are big-endian.
 *
 *     session        version (2), session expiry interval (4), expires at ms (double), sent up to (6), user name: bytes
 *                    and one (varint, 0 for none), text; identity: likewise; client identifier to the end
 *     session        version (1, of format 1): the same without "sent up to" and identity
 *     summary        version, messages (6), bytes (6), shares (6), last position (6)
 *     will           version, flags (1: with message expiry, 2: with owner, since format 3), delay (4),
 *                    [message expiry (4)], due at ms (double), [owner: length (varint), text], message
 *     received       version
 *     subscription   version, options (QoS, 4: no local, 8: retain as published, retain handling << 4, 64: replay),
 *                    identifier (varint), [replay up to (6)], filter to the end
 *     queue entry    version, flags (1: QoS 2, 2: retain, 4: body elsewhere, 8: share, 16: identifiers),
 *                    [how many identifiers (varint), each (varint)], [share: length (2), text],
 *                    then the number of the body (6), or the message to the end
 *     released       version
 *     message        version, flags (QoS, 4: retain, 8: publisher, 16: expires, 32: properties),
 *                    topic: length (2), text; [publisher: length (2), text], [expires at ms (double)],
 *                    [properties: length (varint), as they stand in a packet], payload to the end
 *     retained       version, sequence (6), message
 *     deadline       version, topic to the end
 *     retained summary   version, messages (6), bytes (6), last sequence (6)
 *     references     version, how many (6)
 *     garbage        version
 *     bucket         version, then each record: length (varint), bytes as it would stand alone
 *
 * Encoders write into a chunk and leave the value between its `start` and `end`. Decoders take a buffer that is theirs:
 * messages keep views of it. They throw `DamagedValue`.
 */
import {
  Message,
  type QueuedRecord,
  type QueueSummary,
  type Retained,
  type RetainedSummary,
  type SessionRecord,
  type SubscriptionRecord,
  storedTopic,
  type Topic,
  type WillRecord,
} from '@dunlin/broker';
import type { Chunk, Values } from './chunks.ts';
import { writeNumber } from './keys.ts';
import { DamagedValue, Reader } from './reader.ts';

/** Of every kind of value but a session; an older one that can still be read gets its own branch. */
export const VALUE_VERSION = 1;
const SESSION_VERSION = 2;

const MessageFlag = { qos: 3, retain: 4, publisher: 8, expires: 16, properties: 32, known: 63 } as const;
const EntryFlag = { qos2: 1, retain: 2, bodyElsewhere: 4, share: 8, identifiers: 16, known: 31 } as const;
const WillFlag = { expires: 1, owner: 2, known: 3 } as const;
const SUBSCRIPTION_REPLAY = 64;
/** Below this many bytes a loop in JavaScript is faster than a call into Node. */
const LOOP_BYTES_MAX = 48;
const VARINT_BYTES_MAX = 5;
const NO_BYTES = Buffer.alloc(0);
const NO_IDENTIFIERS: readonly number[] = [];

/** A queue entry read back, before it is known what its body is. */
export interface DecodedEntry {
  readonly qos: 1 | 2;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  readonly share: string | undefined;
  /** Number of the body; 0 where `message` is inline. */
  readonly bodyNumber: number;
  readonly message: Message | undefined;
}

/** A text with its length in front; mostly it is that of the value before, which is not decoded again. */
class RecentText {
  #bytes = NO_BYTES;
  #text = '';

  read(reader: Reader): string {
    const length = reader.u16();
    if (length === this.#bytes.length && reader.passes(this.#bytes)) return this.#text;
    const start = reader.at;
    this.#text = reader.text(length);
    this.#bytes = Buffer.from(reader.bytes.subarray(start, reader.at));
    return this.#text;
  }
}

/** How the names in a message are read. */
interface Names {
  topic(reader: Reader): Topic;
  publisher(reader: Reader): string;
}

/** Each by itself. Topics stand in messages as they stand in packets, so their bytes are not made again. */
const ownNames: Names = {
  topic(reader) {
    const start = reader.at;
    const name = reader.text(reader.u16());
    return storedTopic(name, reader.bytes.subarray(start, reader.at));
  },
  publisher: (reader) => reader.text(reader.u16()),
};

/** Names in messages that are read together: one Topic for each. */
export class TopicNames implements Names {
  readonly #topics = new Map<string, Topic>();
  readonly #name = new RecentText();
  readonly #publisher = new RecentText();
  #last: Topic | undefined = undefined;

  topic(reader: Reader): Topic {
    const name = this.#name.read(reader);
    if (this.#last?.name === name) return this.#last;
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = storedTopic(name);
      this.#topics.set(name, topic);
    }
    this.#last = topic;
    return topic;
  }

  publisher(reader: Reader): string {
    return this.#publisher.read(reader);
  }
}

function begin(values: Values, bytesMax: number): Chunk {
  const chunk = values.room(bytesMax);
  chunk.start = chunk.used;
  chunk.bytes[chunk.used] = VALUE_VERSION;
  return chunk;
}

function end(chunk: Chunk, at: number): Chunk {
  chunk.end = at;
  chunk.used = at;
  return chunk;
}

/** A value that says nothing but that its key is there. */
export function encodePresence(values: Values): Chunk {
  const chunk = begin(values, 1);
  return end(chunk, chunk.start + 1);
}

export function encodeSession(values: Values, session: SessionRecord): Chunk {
  const { clientId, username, identity, sessionExpiryInterval, expiresAtMs, sentUpTo } = session;
  const textsLength = (username ?? '').length + (identity ?? '').length + clientId.length;
  const chunk = begin(values, 19 + 2 * VARINT_BYTES_MAX + textsLength * 3);
  const { bytes, start } = chunk;
  bytes[start] = SESSION_VERSION;
  bytes.writeUInt32BE(sessionExpiryInterval, start + 1);
  bytes.writeDoubleBE(expiresAtMs, start + 5);
  writeNumber(bytes, start + 13, sentUpTo);
  const at = writeOptionalText(bytes, writeOptionalText(bytes, start + 19, username), identity);
  return end(chunk, at + bytes.write(clientId, at));
}

/** `lastPosition`: of its queue. In format 1 nobody knew what had been sent, so any of that may have been. */
export function decodeSession(number: number, value: Buffer, lastPosition: number): SessionRecord {
  const reader = new Reader(value);
  const isOfFormat1 = value[0] === VALUE_VERSION;
  reader.version(isOfFormat1 ? VALUE_VERSION : SESSION_VERSION);
  const sessionExpiryInterval = reader.u32();
  const expiresAtMs = reader.double();
  const sentUpTo = isOfFormat1 ? lastPosition : reader.number();
  const username = readOptionalText(reader);
  const identity = isOfFormat1 ? undefined : readOptionalText(reader);
  return { number, clientId: reader.restText(), username, identity, sessionExpiryInterval, expiresAtMs, sentUpTo };
}

function writeOptionalText(bytes: Buffer, start: number, text: string | undefined): number {
  const at = writeVarint(bytes, start, text === undefined ? 0 : Buffer.byteLength(text) + 1);
  return at + bytes.write(text ?? '', at);
}

function readOptionalText(reader: Reader): string | undefined {
  const bytes = reader.varint();
  return bytes === 0 ? undefined : reader.text(bytes - 1);
}

export function encodeSummary(values: Values, summary: QueueSummary): Chunk {
  const chunk = begin(values, 25);
  const { bytes, start } = chunk;
  writeNumber(bytes, start + 1, summary.messages);
  writeNumber(bytes, start + 7, summary.bytes);
  writeNumber(bytes, start + 13, summary.shares);
  writeNumber(bytes, start + 19, summary.lastPosition);
  return end(chunk, start + 25);
}

export function decodeSummary(value: Buffer): QueueSummary {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const [messages, bytes, shares, lastPosition] = [reader.number(), reader.number(), reader.number(), reader.number()];
  reader.finish();
  return { messages, bytes, shares, lastPosition };
}

export function encodeReferences(values: Values, references: number): Chunk {
  const chunk = begin(values, 7);
  writeNumber(chunk.bytes, chunk.start + 1, references);
  return end(chunk, chunk.start + 7);
}

export function decodeReferences(value: Buffer): number {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const references = reader.number();
  reader.finish();
  return references;
}

export function encodeSubscription(values: Values, subscription: SubscriptionRecord): Chunk {
  const chunk = begin(values, 8 + VARINT_BYTES_MAX + subscription.filter.length * 3);
  const { bytes, start } = chunk;
  const { qos, noLocal, retainAsPublished, retainHandling, identifier, replayUpTo, filter } = subscription;
  bytes[start + 1] =
    qos |
    (noLocal ? 4 : 0) |
    (retainAsPublished ? 8 : 0) |
    (retainHandling << 4) |
    (replayUpTo === undefined ? 0 : SUBSCRIPTION_REPLAY);
  let at = writeVarint(bytes, start + 2, identifier);
  if (replayUpTo !== undefined) {
    writeNumber(bytes, at, replayUpTo);
    at += 6;
  }
  return end(chunk, at + bytes.write(filter, at));
}

export function decodeSubscription(value: Buffer): SubscriptionRecord {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const options = reader.u8();
  const identifier = reader.varint();
  const qos = options & 3;
  const retainHandling = (options >>> 4) & 3;
  if (qos === 3 || retainHandling > 2 || options > 0x7f)
    throw new DamagedValue(`its subscription options are ${options}`);
  const replayUpTo = options & SUBSCRIPTION_REPLAY ? reader.number() : undefined;
  return {
    filter: reader.restText(),
    qos: qos as 0 | 1 | 2,
    noLocal: (options & 4) !== 0,
    retainAsPublished: (options & 8) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
    identifier,
    replayUpTo,
  };
}

export function encodeWill(values: Values, will: WillRecord): Chunk {
  const { message, messageExpiryInterval, owner } = will;
  const ownerBytes = owner === undefined ? 0 : VARINT_BYTES_MAX + owner.length * 3;
  const chunk = begin(values, 18 + ownerBytes + messageBytesMax(message));
  const { bytes, start } = chunk;
  bytes[start + 1] =
    (messageExpiryInterval === undefined ? 0 : WillFlag.expires) | (owner === undefined ? 0 : WillFlag.owner);
  bytes.writeUInt32BE(will.delayInterval, start + 2);
  let at = start + 6;
  if (messageExpiryInterval !== undefined) at = bytes.writeUInt32BE(messageExpiryInterval, at);
  at = bytes.writeDoubleBE(will.dueAtMs, at);
  if (owner !== undefined) {
    at = writeVarint(bytes, at, Buffer.byteLength(owner));
    at += bytes.write(owner, at);
  }
  return end(chunk, writeMessage(bytes, at, message));
}

export function decodeWill(value: Buffer): WillRecord {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const flags = knownFlags(reader.u8(), WillFlag.known);
  const delayInterval = reader.u32();
  const messageExpiryInterval = flags & WillFlag.expires ? reader.u32() : undefined;
  const dueAtMs = reader.double();
  const owner = flags & WillFlag.owner ? reader.text(reader.varint()) : undefined;
  return { message: readMessage(reader, ownNames), delayInterval, messageExpiryInterval, dueAtMs, owner };
}

/** `bodyNumber`: of the body it refers to; 0 puts the message itself into the entry. */
export function encodeEntry(values: Values, entry: QueuedRecord, bodyNumber: number): Chunk {
  const { message, identifiers, share } = entry;
  const tailBytes = bodyNumber === 0 ? messageBytesMax(message) : 6;
  const shareBytes = share === undefined ? 0 : 2 + share.length * 3;
  const chunk = begin(values, 2 + (identifiers.length + 1) * VARINT_BYTES_MAX + shareBytes + tailBytes);
  const { bytes, start } = chunk;
  bytes[start + 1] =
    (entry.qos === 2 ? EntryFlag.qos2 : 0) |
    (entry.retain ? EntryFlag.retain : 0) |
    (bodyNumber === 0 ? 0 : EntryFlag.bodyElsewhere) |
    (share === undefined ? 0 : EntryFlag.share) |
    (identifiers.length === 0 ? 0 : EntryFlag.identifiers);
  let at = start + 2;
  if (identifiers.length > 0) {
    at = writeVarint(bytes, at, identifiers.length);
    for (const identifier of identifiers) at = writeVarint(bytes, at, identifier);
  }
  if (share !== undefined) at = writeText(bytes, at, share);
  if (bodyNumber === 0) return end(chunk, writeMessage(bytes, at, message));
  writeNumber(bytes, at, bodyNumber);
  return end(chunk, at + 6);
}

export function decodeEntry(value: Buffer, topics: TopicNames): DecodedEntry {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const flags = knownFlags(reader.u8(), EntryFlag.known);
  const identifiers = flags & EntryFlag.identifiers ? readIdentifiers(reader) : NO_IDENTIFIERS;
  const share = flags & EntryFlag.share ? reader.text(reader.u16()) : undefined;
  const qos = flags & EntryFlag.qos2 ? 2 : 1;
  const retain = (flags & EntryFlag.retain) !== 0;
  if ((flags & EntryFlag.bodyElsewhere) === 0)
    return { qos, retain, identifiers, share, bodyNumber: 0, message: readMessage(reader, topics) };
  const bodyNumber = reader.number();
  reader.finish();
  return { qos, retain, identifiers, share, bodyNumber, message: undefined };
}

function readIdentifiers(reader: Reader): number[] {
  const identifiers: number[] = [];
  for (let left = reader.varint(); left > 0; left--) identifiers.push(reader.varint());
  return identifiers;
}

/** Number of the body a queue entry refers to; 0 where the message is inline. Reads no more than it must. */
export function bodyOfEntry(value: Buffer): number {
  if (value.length < 8 || (value[1] & EntryFlag.bodyElsewhere) === 0) return 0;
  // It always stands last.
  return value.readUIntBE(value.length - 6, 6);
}

export function encodeMessage(values: Values, message: Message): Chunk {
  const chunk = values.room(messageBytesMax(message));
  chunk.start = chunk.used;
  return end(chunk, writeMessage(chunk.bytes, chunk.start, message));
}

/** The message keeps views of `value`. */
export function decodeMessage(value: Buffer, topics: TopicNames): Message {
  return readMessage(new Reader(value), topics);
}

export function encodeRetained(values: Values, { message, sequence }: Retained): Chunk {
  const chunk = begin(values, 7 + messageBytesMax(message));
  writeNumber(chunk.bytes, chunk.start + 1, sequence);
  return end(chunk, writeMessage(chunk.bytes, chunk.start + 7, message));
}

/** The message keeps views of `value`. */
export function decodeRetained(value: Buffer): Retained {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const sequence = reader.number();
  return { message: readMessage(reader, ownNames), sequence };
}

export function encodeDeadline(values: Values, topic: Uint8Array): Chunk {
  const chunk = begin(values, 1 + topic.length);
  chunk.bytes.set(topic, chunk.start + 1);
  return end(chunk, chunk.start + 1 + topic.length);
}

export function decodeDeadline(value: Buffer): string {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  return reader.restText();
}

export function encodeRetainedSummary(values: Values, summary: RetainedSummary): Chunk {
  const chunk = begin(values, 19);
  writeNumber(chunk.bytes, chunk.start + 1, summary.messages);
  writeNumber(chunk.bytes, chunk.start + 7, summary.bytes);
  writeNumber(chunk.bytes, chunk.start + 13, summary.lastSequence);
  return end(chunk, chunk.start + 19);
}

export function decodeRetainedSummary(value: Buffer): RetainedSummary {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const [messages, bytes, lastSequence] = [reader.number(), reader.number(), reader.number()];
  reader.finish();
  return { messages, bytes, lastSequence };
}

function messageBytesMax(message: Message): number {
  const texts = message.topic.encoded.length + message.publisher.length * 3;
  return 12 + VARINT_BYTES_MAX + texts + message.properties.length + message.payloadLength;
}

function writeMessage(bytes: Buffer, start: number, message: Message): number {
  const { topic, publisher, expiresAtMs, properties } = message;
  bytes[start] = VALUE_VERSION;
  bytes[start + 1] =
    message.qos |
    (message.retain ? MessageFlag.retain : 0) |
    (publisher === '' ? 0 : MessageFlag.publisher) |
    (expiresAtMs === undefined ? 0 : MessageFlag.expires) |
    (properties.length === 0 ? 0 : MessageFlag.properties);
  let at = writeBytes(bytes, start + 2, topic.encoded, 0, topic.encoded.length);
  if (publisher !== '') at = writeText(bytes, at, publisher);
  if (expiresAtMs !== undefined) at = bytes.writeDoubleBE(expiresAtMs, at);
  if (properties.length > 0) {
    at = writeVarint(bytes, at, properties.length);
    at = writeBytes(bytes, at, properties, 0, properties.length);
  }
  return writeBytes(bytes, at, message.bytes, message.payloadStart, message.payloadEnd);
}

function readMessage(reader: Reader, names: Names): Message {
  reader.version(VALUE_VERSION);
  const flags = knownFlags(reader.u8(), MessageFlag.known);
  const qos = flags & MessageFlag.qos;
  if (qos === 3) throw new DamagedValue('its QoS is 3');
  const topic = names.topic(reader);
  const publisher = flags & MessageFlag.publisher ? names.publisher(reader) : '';
  const expiresAtMs = flags & MessageFlag.expires ? reader.double() : undefined;
  const properties = flags & MessageFlag.properties ? reader.slice(reader.varint()) : NO_BYTES;
  const retain = (flags & MessageFlag.retain) !== 0;
  const message = new Message(
    topic,
    qos as 0 | 1 | 2,
    retain,
    publisher,
    reader.bytes,
    reader.at,
    reader.end,
    properties,
    expiresAtMs,
  );
  message.owned = true;
  return message;
}

/** One value of many records, for texts that share a key; see `keys.ts`. */
export function encodeBucket(values: Values, records: readonly Uint8Array[]): Chunk {
  let bytesMax = 1;
  for (const record of records) bytesMax += VARINT_BYTES_MAX + record.length;
  const chunk = begin(values, bytesMax);
  let at = chunk.start + 1;
  for (const record of records) {
    at = writeVarint(chunk.bytes, at, record.length);
    chunk.bytes.set(record, at);
    at += record.length;
  }
  return end(chunk, at);
}

export function decodeBucket(value: Buffer): Buffer[] {
  const reader = new Reader(value);
  reader.version(VALUE_VERSION);
  const records: Buffer[] = [];
  while (reader.at < reader.end) records.push(reader.slice(reader.varint()));
  return records;
}

function knownFlags(flags: number, known: number): number {
  if ((flags & ~known) !== 0) throw new DamagedValue(`its flags are ${flags}, known are ${known}`);
  return flags;
}

function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = value;
  let next = at;
  while (rest >= 0x80) {
    bytes[next++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[next] = rest;
  return next + 1;
}

function writeBytes(bytes: Buffer, at: number, source: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length > LOOP_BYTES_MAX) source.copy(bytes, at, start, end);
  else for (let index = 0; index < length; index++) bytes[at + index] = source[start + index];
  return at + length;
}

/** Length in 2 bytes, then the text. */
function writeText(bytes: Buffer, at: number, text: string): number {
  const { length } = text;
  let written = 0;
  if (length <= LOOP_BYTES_MAX) {
    for (; written < length; written++) {
      const unit = text.charCodeAt(written);
      if (unit >= 0x80) break;
      bytes[at + 2 + written] = unit;
    }
  }
  if (written < length) written = bytes.write(text, at + 2);
  bytes[at] = written >>> 8;
  bytes[at + 1] = written;
  return at + 2 + written;
}
