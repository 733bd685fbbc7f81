/**
 * Retained messages in LMDB: a row for each topic, an index by deadline of those that expire, and a summary of all.
 *
 * They are read as they were committed, at once: LMDB reads through the map. The summary is kept in memory, ahead of
 * the database by what is under way, and written once a batch.
 */
import {
  type Message,
  type Retained,
  type RetainedCursor,
  type RetainedReader,
  type RetainedSummary,
  retainedBytes,
} from '@dunlin/broker';
import type { Buckets } from './buckets.ts';
import { decoded } from './damage.ts';
import type { Database, Transaction } from './database.ts';
import { deadlineKey, isLongText, Key, leadsToBucket, NUMBER_MAX, retainedKey, Tag, type TextHash } from './keys.ts';
import { RowCursor } from './retained-cursor.ts';
import {
  decodeBucket,
  decodeDeadline,
  decodeRetained,
  decodeRetainedSummary,
  encodeDeadline,
  encodeRetained,
  encodeRetainedSummary,
} from './values.ts';

/** In front of an encoded topic. */
const LENGTH_BYTES = 2;
const SUMMARY_KEY = Buffer.of(Tag.retainedSummary);

export class RetainedRows implements RetainedReader {
  readonly #database: Database;
  readonly #buckets: Buckets;
  readonly #hash: TextHash;
  readonly #key = new Key();
  readonly #summary: { messages: number; bytes: number; lastSequence: number };
  #isChanged = false;
  #isUnderWay = false;
  #version = 0;

  /** @throws StoreError 'damaged' */
  constructor(database: Database, buckets: Buckets, hash: TextHash) {
    this.#database = database;
    this.#buckets = buckets;
    this.#hash = hash;
    const value = database.get(this.#key.tag(Tag.retainedSummary));
    this.#summary = {
      ...(value === undefined
        ? { messages: 0, bytes: 0, lastSequence: 0 }
        : decoded(SUMMARY_KEY, value, decodeRetainedSummary)),
    };
  }

  summary(): RetainedSummary {
    return { ...this.#summary };
  }

  /** Rises with every commit of changes: what was read before may have become another. */
  get version(): number {
    return this.#version;
  }

  /** @throws StoreError 'damaged' */
  get(topic: string): Retained | undefined {
    const text = Buffer.from(topic);
    const key = retainedKey(this.#key, text, 0, this.#hash);
    const value = this.#database.get(key);
    if (value === undefined) return undefined;
    if (!isLongText(text.length)) return decoded(key.view, value, decodeRetained);
    return inBucket(key.view, value).find(({ message }) => message.topic.name === topic);
  }

  cursor(filter: string): RetainedCursor {
    return new RowCursor(this.#database, this, filter);
  }

  /** @throws StoreError 'damaged' */
  expired(nowMs: number, limit: number): readonly string[] {
    const from = Buffer.of(Tag.retainedDeadline);
    const to = deadlineKey(this.#key, Math.min(Math.floor(nowMs) + 1, NUMBER_MAX), 0).copy();
    const topics: string[] = [];
    for (const { key, value } of this.#database.range(from, to, limit))
      topics.push(decoded(key, value, decodeDeadline));
    return topics;
  }

  /** Reads what a put or a deletion needs. @throws StoreError 'damaged' */
  prepare({ message }: Retained): void {
    if (isLong(message)) this.#buckets.load(this.#keyOf(message));
  }

  put(retained: Retained, former: Retained | undefined, transaction: Transaction): void {
    const { message, sequence } = retained;
    if (former === undefined) this.#count(1, retainedBytes(message));
    else {
      this.#count(0, retainedBytes(message) - retainedBytes(former.message));
      this.#removeDeadline(former, transaction);
    }
    if (sequence > this.#summary.lastSequence) this.#summary.lastSequence = sequence;
    const key = this.#keyOf(message);
    if (isLong(message)) this.#buckets.set(key, message.topic.name, (values) => encodeRetained(values, retained));
    else transaction.put(key, encodeRetained(transaction, retained));
    if (message.expiresAtMs === undefined) return;
    transaction.put(
      deadlineKey(this.#key, message.expiresAtMs, sequence),
      encodeDeadline(transaction, message.topic.encoded.subarray(LENGTH_BYTES)),
    );
  }

  delete(retained: Retained, transaction: Transaction): void {
    const { message } = retained;
    this.#count(-1, -retainedBytes(message));
    this.#removeDeadline(retained, transaction);
    const key = this.#keyOf(message);
    if (isLong(message)) this.#buckets.delete(key, message.topic.name);
    else transaction.remove(key);
  }

  /** Writes the summary, where a batch has changed it. */
  flush(transaction: Transaction): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#isUnderWay = true;
    transaction.put(this.#key.tag(Tag.retainedSummary), encodeRetainedSummary(transaction, this.#summary));
  }

  /** What was flushed can be read. */
  committed(): void {
    if (!this.#isUnderWay) return;
    this.#isUnderWay = false;
    this.#version += 1;
  }

  #keyOf({ topic }: Message): Key {
    return retainedKey(this.#key, topic.encoded, LENGTH_BYTES, this.#hash);
  }

  /** Never below nothing, whatever the caller counts: it could not be written. */
  #count(messages: number, bytes: number): void {
    const summary = this.#summary;
    summary.messages = Math.max(0, summary.messages + messages);
    summary.bytes = Math.max(0, summary.bytes + bytes);
    this.#isChanged = true;
  }

  #removeDeadline({ message, sequence }: Retained, transaction: Transaction): void {
    if (message.expiresAtMs === undefined) return;
    transaction.remove(deadlineKey(this.#key, message.expiresAtMs, sequence));
  }
}

/** The retained messages of a row: one, or those of a bucket. @throws StoreError 'damaged' */
export function retainedOfRow(key: Uint8Array, value: Buffer): readonly Retained[] {
  return leadsToBucket(key) ? inBucket(key, value) : [decoded(key, value, decodeRetained)];
}

function inBucket(key: Uint8Array, value: Buffer): readonly Retained[] {
  return decoded(key, value, decodeBucket).map((record) => decoded(key, record, decodeRetained));
}

function isLong({ topic }: Message): boolean {
  return isLongText(topic.encoded.length - LENGTH_BYTES);
}
