/**
 * The key layout: every key of the store, in one table.
 *
 * All keys lie in the one root database of LMDB. A key begins with a tag byte; numbers follow in big-endian, 6 bytes
 * each, so that keys of one session lie together and in order, and new ones mostly at the end of what is there.
 *
 *     tag   then                                         value (values.ts)
 *     0x01  name of the item, text                       meta: format version, run, reservations
 *     0x10  session, 0x00                                session record
 *     0x10  session, 0x01                                queue summary
 *     0x10  session, 0x02                                will
 *     0x10  session, 0x03, packet identifier (2 bytes)   received QoS 2 identifier
 *     0x10  session, 0x04, topic filter, text            subscription; a bucket where the filter is long
 *     0x20  session, position                            queue entry: the message inline, or the number of its body
 *     0x20  session, position, 0x01                      PUBREC came for the entry before it
 *     0x30  body                                         message that is queued for many sessions
 *     0x31  body                                         how many entries refer to it
 *     0x40  topic, text with 0x00 for "/"                retained message; a bucket where the topic is long
 *     0x41  deadline in ms, sequence                     topic of a retained message that expires
 *     0x42                                               summary of the retained messages
 *     0x50  session                                      garbage: what is left of this session is being swept
 *     0x60  table, 0x00, key, text                       record of a table
 *     0x61  table, 0x00, index, 0x00, term, key, text    entry of a secondary index
 *
 * Session and body numbers are never given again. Where the session record (0x10 … 0x00) is missing, whatever else
 * begins with that session's number is garbage.
 *
 * Text. LMDB ends keys at 1,978 bytes; topics, filters and terms go to 65,535 and beyond. A text of up to 1,000 bytes
 * stands in the key as it is. A longer one is cut to its first 1,000 bytes, followed by 0x01 and 16 bytes of its hash.
 * Such a key leads to a bucket: a list of the records of all texts that share it, each with its full text, compared
 * when it is read. In a topic "/" becomes 0x00, which no topic contains: the topics under "a/b" are the keys that begin
 * with "a", 0x00, "b", 0x00, one contiguous range, however "a/b+" or "a/b c" sort.
 *
 * Terms of an index may contain 0x00 and are followed by the key of their record: 0x00 is written as 0x00 0xFF, and
 * the term ends with 0x00 0x01, or where it was cut, with 0x00 0x02 and the hash. So keys sort as terms do, then by
 * the record's key. Terms that share their first 1,000 bytes sort by hash.
 */
import { hash as digest } from 'node:crypto';

export const Tag = {
  meta: 0x01,
  session: 0x10,
  queue: 0x20,
  body: 0x30,
  bodyReferences: 0x31,
  retained: 0x40,
  retainedDeadline: 0x41,
  retainedSummary: 0x42,
  garbage: 0x50,
  record: 0x60,
  index: 0x61,
} as const;

/** What of a session a key of `Tag.session` leads to. */
export const SessionPart = { record: 0, summary: 1, will: 2, received: 3, subscription: 4 } as const;

/** Longest text that stands in a key as it is. */
export const TEXT_BYTES_MAX = 1_000;
/** LMDB's limit with its usual page of 4 KiB. */
export const KEY_BYTES_MAX = 1_978;
/** Greatest session number, queue position and body number. */
export const NUMBER_MAX = 2 ** 48 - 1;
/** Bytes of a queue entry's key; that of "PUBREC came" has one more. */
export const QUEUE_KEY_BYTES = 13;
const HASH_BYTES = 16;
const LONG = 0x01;

/** Sixteen bytes that tell texts apart; a test gives a worse one. */
export type TextHash = (text: Uint8Array) => Uint8Array;
export const textHash: TextHash = (text) => digest('sha256', text, 'buffer').subarray(0, HASH_BYTES);

/** A key under construction, used again and again: whoever takes it copies its first `length` bytes at once. */
export class Key {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(KEY_BYTES_MAX + HASH_BYTES);
  length = 0;

  /** Valid until the next key is made. */
  get view(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy that stays. */
  copy(): Buffer {
    return Buffer.from(this.view);
  }

  /** Text of meta items. */
  meta(name: string): this {
    this.bytes[0] = Tag.meta;
    this.length = 1 + this.bytes.write(name, 1);
    return this;
  }

  /** Whatever there is one of. */
  tag(tag: number): this {
    this.bytes[0] = tag;
    this.length = 1;
    return this;
  }

  /** Whatever has a tag and a number alone: a body, its references, garbage. */
  numbered(tag: number, number: number): this {
    this.bytes[0] = tag;
    writeNumber(this.bytes, 1, number);
    this.length = 7;
    return this;
  }

  sessionPart(session: number, part: number): this {
    this.bytes[0] = Tag.session;
    writeNumber(this.bytes, 1, session);
    this.bytes[7] = part;
    this.length = 8;
    return this;
  }

  received(session: number, packetId: number): this {
    this.sessionPart(session, SessionPart.received);
    this.bytes[8] = packetId >>> 8;
    this.bytes[9] = packetId;
    this.length = 10;
    return this;
  }

  queueEntry(session: number, position: number): this {
    this.bytes[0] = Tag.queue;
    writeNumber(this.bytes, 1, session);
    writeNumber(this.bytes, 7, position);
    this.length = QUEUE_KEY_BYTES;
    return this;
  }

  /** Beside its entry, and right behind it. */
  released(session: number, position: number): this {
    this.queueEntry(session, position);
    this.bytes[QUEUE_KEY_BYTES] = 1;
    this.length = QUEUE_KEY_BYTES + 1;
    return this;
  }

  /** Adds a text, by prefix and hash where it is long: then it leads to a bucket. */
  text(text: Uint8Array, hash: TextHash): this {
    if (text.length <= TEXT_BYTES_MAX) return this.raw(text);
    this.raw(text.subarray(0, TEXT_BYTES_MAX));
    this.bytes[this.length++] = LONG;
    return this.raw(hash(text).subarray(0, HASH_BYTES));
  }

  /** Adds bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  byte(byte: number): this {
    this.bytes[this.length++] = byte;
    return this;
  }
}

/** The key that subscriptions and retained messages have before their text. */
export function subscriptionKey(key: Key, session: number, filter: Uint8Array, hash: TextHash): Key {
  return key.sessionPart(session, SessionPart.subscription).text(filter, hash);
}

/** Deadlines sort by time; the sequence tells those of one moment apart. */
export function deadlineKey(key: Key, expiresAtMs: number, sequence: number): Key {
  key.numbered(Tag.retainedDeadline, Math.min(Math.max(Math.ceil(expiresAtMs), 0), NUMBER_MAX));
  writeNumber(key.bytes, 7, sequence);
  key.length = 13;
  return key;
}

const SLASH = 0x2f;

/** `topic`: its UTF-8 as it is, from `start` on. */
export function retainedKey(key: Key, topic: Uint8Array, start: number, hash: TextHash): Key {
  const { bytes } = key;
  const length = topic.length - start;
  bytes[0] = Tag.retained;
  key.length = 1;
  if (length > TEXT_BYTES_MAX) return key.text(topicText(topic.subarray(start)), hash);
  for (let at = 0; at < length; at++) {
    const byte = topic[at + start];
    bytes[at + 1] = byte === SLASH ? 0 : byte;
  }
  key.length = length + 1;
  return key;
}

/** As the key would be if there were no limit on its length: for comparing, not for LMDB. */
export function wholeRetainedKey(topic: string): Buffer {
  return topicText(Buffer.from(`${String.fromCharCode(Tag.retained)}${topic}`));
}

function topicText(utf8: Uint8Array): Buffer {
  const text = Buffer.from(utf8);
  for (let at = text.indexOf(SLASH); at >= 0; at = text.indexOf(SLASH, at + 1)) text[at] = 0;
  return text;
}

/** Whether a text of so many bytes leads to a bucket. */
export function isLongText(bytes: number): boolean {
  return bytes > TEXT_BYTES_MAX;
}

/** Whether the key is one of a text (subscription, retained) that leads to a bucket. */
export function leadsToBucket(key: Uint8Array): boolean {
  const textStart = key[0] === Tag.session ? 8 : 1;
  return key.length === textStart + TEXT_BYTES_MAX + 1 + HASH_BYTES;
}

/** 6 bytes, big-endian. */
export function writeNumber(bytes: Uint8Array, at: number, number: number): void {
  const high = Math.floor(number / 0x1_0000_0000);
  bytes[at] = high >>> 8;
  bytes[at + 1] = high;
  bytes[at + 2] = number >>> 24;
  bytes[at + 3] = number >>> 16;
  bytes[at + 4] = number >>> 8;
  bytes[at + 5] = number;
}

export function readNumber(bytes: Uint8Array, at: number): number {
  const low = (bytes[at + 2] << 24) | (bytes[at + 3] << 16) | (bytes[at + 4] << 8) | bytes[at + 5];
  return ((bytes[at] << 8) | bytes[at + 1]) * 0x1_0000_0000 + (low >>> 0);
}

/** The first key that is above every key which begins so. */
export function keyAfterPrefix(prefix: Uint8Array): Buffer {
  let length = prefix.length;
  while (length > 1 && prefix[length - 1] === 0xff) length -= 1;
  const end = Buffer.from(prefix.subarray(0, length));
  end[length - 1] += 1;
  return end;
}

const NUMBERED: Readonly<Record<number, string>> = {
  [Tag.session]: 'session',
  [Tag.queue]: 'session',
  [Tag.body]: 'body',
  [Tag.bodyReferences]: 'body',
  [Tag.retainedDeadline]: 'moment',
  [Tag.garbage]: 'session',
};

/** A key as it is shown in messages. */
export function keyName(key: Uint8Array): string {
  const shown = Buffer.from(key.subarray(0, 64)).toString('hex');
  const suffix = key.length > 64 ? `… (${key.length} bytes)` : '';
  const tag = Object.entries(Tag).find(([, value]) => value === key[0])?.[0] ?? 'unknown';
  const number = NUMBERED[key[0]];
  if (key.length < 7 || number === undefined)
    return `${tag} ${JSON.stringify(Buffer.from(key.subarray(1, 65)).toString())}${suffix}`;
  return `${tag} of ${number} ${readNumber(key, 1)} (key ${shown}${suffix})`;
}
