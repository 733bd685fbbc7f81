/**
 * Bodies: messages that are queued for many sessions, stored once, with a count of the entries that refer to them.
 *
 * Whether an entry holds its message or refers to a body is told by the message alone, since `dequeue` must not read
 * the entry: `Message.storeTag` is
 *
 *     0           nobody has decided yet
 *     -2, -3, …   it occurs once, twice, … in the batch that is being read
 *     -1          every entry holds it
 *     above 0     every entry refers to this body
 *
 * Once decided it stays, also where the message is queued again much later (a retained message is, each time somebody
 * subscribes). A body goes with its last entry; if its message is queued once more, the body is written again under its
 * number. Numbers begin at a random one in each store, so that a message which two stores of one process have both
 * seen is not taken for another one.
 *
 * Counts are kept in memory for the bodies in use and written once for each body and batch, in the transaction of the
 * entries, so no crash leaves a body without entries or an entry without its body.
 */
import { randomInt } from 'node:crypto';
import type { Message } from '@dunlin/broker';
import { damaged, decoded } from './damage.ts';
import type { Database, Transaction } from './database.ts';
import { Key, Tag } from './keys.ts';
import { decodeMessage, decodeReferences, encodeMessage, encodeReferences, type TopicNames } from './values.ts';

const INLINE = -1;
const SEEN_ONCE = -2;
/** A message is stored once where that saves this many bytes: less is not worth the count. */
const SAVED_BYTES_MIN = 1_024;
/** Smaller than this, a message costs no more than a reference and its key. */
const SHARED_BYTES_MIN = 128;
/** Numbers reserved at once: those left at a crash are passed over. */
const RESERVED = 65_536;
/** Bodies remembered at the most when nothing is under way. */
const KNOWN_MAX = 50_000;
const FIRST_MAX = 2 ** 46;

export class Bodies {
  readonly #database: Database;
  readonly #key = new Key();
  /** How many entries refer to each body in use, with what is under way. */
  readonly #references = new Map<number, number>();
  readonly #touched = new Set<number>();
  #next: number;
  #reservedUpTo: number;

  /** @throws StoreError 'damaged' */
  constructor(database: Database) {
    this.#database = database;
    const key = this.#key.meta('bodies');
    const value = database.get(key);
    this.#next = 1 + (value === undefined ? randomInt(FIRST_MAX) : decoded(key.view, value, decodeReferences));
    this.#reservedUpTo = this.#next - 1;
  }

  /** Counts a message of the batch that is being read, or makes its body known. @throws StoreError 'damaged' */
  count(message: Message): void {
    const number = message.storeTag;
    if (number > 0) this.load(number);
    else if (number === 0) message.storeTag = SEEN_ONCE;
    else if (number !== INLINE) message.storeTag = number - 1;
  }

  /** Makes a body known. @throws StoreError 'damaged' */
  load(number: number): void {
    if (this.#references.has(number)) return;
    const key = this.#key.numbered(Tag.bodyReferences, number);
    const value = this.#database.get(key);
    this.#references.set(number, value === undefined ? 0 : decoded(key.view, value, decodeReferences));
  }

  /** Adds an entry of a message that was counted. Returns the number to refer to, 0 where the entry holds the message. */
  add(message: Message, transaction: Transaction): number {
    if (message.storeTag < INLINE) message.storeTag = this.#decide(message, transaction);
    const number = message.storeTag;
    if (number <= 0) return 0;
    const references = this.#references.get(number) ?? 0;
    if (references === 0) transaction.put(this.#key.numbered(Tag.body, number), encodeMessage(transaction, message));
    this.#set(number, references + 1);
    return number;
  }

  /** An entry that referred to a known body is gone. */
  drop(number: number): void {
    this.#set(number, Math.max(0, (this.#references.get(number) ?? 0) - 1));
  }

  /** Writes the counts that have changed, and removes bodies nobody refers to. */
  flush(transaction: Transaction): void {
    for (const number of this.#touched) {
      const references = this.#references.get(number) as number;
      if (references > 0) {
        const value = encodeReferences(transaction, references);
        transaction.put(this.#key.numbered(Tag.bodyReferences, number), value);
        continue;
      }
      transaction.remove(this.#key.numbered(Tag.bodyReferences, number));
      transaction.remove(this.#key.numbered(Tag.body, number));
    }
    this.#touched.clear();
  }

  /** The message of a body. @throws StoreError 'damaged' where there is none */
  read(number: number, topics: TopicNames): Message {
    const key = this.#key.numbered(Tag.body, number);
    const value = this.#database.get(key);
    if (value === undefined) throw damaged(key.view, 'it is missing, though a queue entry refers to it');
    const message = decoded(key.view, value, (bytes) => decodeMessage(bytes, topics));
    message.storeTag = number;
    return message;
  }

  /** Forgets, when too many are known. Only while nothing is under way. */
  trim(): void {
    if (this.#references.size > KNOWN_MAX) this.#references.clear();
  }

  #decide(message: Message, transaction: Transaction): number {
    const times = INLINE - message.storeTag;
    const bytes = message.heldBytes;
    if (bytes < SHARED_BYTES_MIN || (times - 1) * bytes < SAVED_BYTES_MIN) return INLINE;
    const number = this.#next++;
    if (number > this.#reservedUpTo) {
      this.#reservedUpTo = number + RESERVED;
      transaction.put(this.#key.meta('bodies'), encodeReferences(transaction, this.#reservedUpTo));
    }
    this.#references.set(number, 0);
    return number;
  }

  #set(number: number, references: number): void {
    this.#references.set(number, references);
    this.#touched.add(number);
  }
}
