/**
 * Buckets: the records of long texts (topics and filters over 1,000 bytes) that share a key. Each is read before the
 * batch that changes it is written, changed in memory and written once, or removed when it is empty.
 */
import { Chunk, type Values } from './chunks.ts';
import { decoded } from './damage.ts';
import type { Database, Transaction } from './database.ts';
import { type Key, Tag } from './keys.ts';
import { decodeBucket, decodeRetained, decodeSubscription, encodeBucket } from './values.ts';

interface Bucket {
  readonly key: Buffer;
  /** Records by full text. */
  readonly records: Map<string, Uint8Array>;
}

/** Encodes a record that outlives the values of a transaction. */
const alone: Values = { room: (bytes) => new Chunk(bytes) };

export class Buckets {
  readonly #database: Database;
  readonly #loaded = new Map<string, Bucket>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Reads the bucket of a key. @throws StoreError 'damaged' */
  load(key: Key): void {
    const name = key.bytes.toString('latin1', 0, key.length);
    if (this.#loaded.has(name)) return;
    const kept = key.copy();
    const value = this.#database.get(key);
    const records = value === undefined ? [] : decoded(kept, value, decodeBucket);
    const texts = records.map((record) => [decoded(kept, record, textOf(kept)), record] as const);
    this.#loaded.set(name, { key: kept, records: new Map(texts) });
  }

  /** Puts a record into a bucket that was loaded. */
  set(key: Key, text: string, encode: (values: Values) => Chunk): void {
    const { bytes, start, end } = encode(alone);
    this.#bucket(key).records.set(text, bytes.subarray(start, end));
  }

  delete(key: Key, text: string): void {
    this.#bucket(key).records.delete(text);
  }

  /** Writes every bucket that was loaded. */
  flush(transaction: Transaction): void {
    if (this.#loaded.size === 0) return;
    for (const { key, records } of this.#loaded.values()) {
      if (records.size === 0) transaction.remove(key);
      else transaction.put({ bytes: key, length: key.length } as Key, encodeBucket(transaction, [...records.values()]));
    }
    this.#loaded.clear();
  }

  /** Forgets what was loaded for a batch that is not written. */
  forget(): void {
    this.#loaded.clear();
  }

  #bucket(key: Key): Bucket {
    return this.#loaded.get(key.bytes.toString('latin1', 0, key.length)) as Bucket;
  }
}

/** How to find the full text of a record, by the kind of its key. */
function textOf(key: Uint8Array): (record: Buffer) => string {
  if (key[0] === Tag.retained) return (record) => decodeRetained(record).message.topic.name;
  return (record) => decodeSubscription(record).filter;
}
