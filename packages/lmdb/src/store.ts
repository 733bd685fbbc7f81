/**
 * The Store on LMDB. A batch becomes one transaction.
 *
 * A batch is walked twice. The first walk checks and reads: whatever could fail does so before anything is written,
 * since what was given to LMDB cannot be taken back. The second walk writes, in order; counts of bodies, queue
 * summaries and buckets follow once at the end. Reads see what has been committed.
 */
import type {
  Awaitable,
  Message,
  SessionRecord,
  Store,
  StoreContents,
  StoredEntry,
  StoredSession,
  Write,
} from '@dunlin/broker';
import { Bodies } from './bodies.ts';
import { Buckets } from './buckets.ts';
import { decoded } from './damage.ts';
import type { Database, Transaction } from './database.ts';
import {
  isLongText,
  Key,
  NUMBER_MAX,
  QUEUE_KEY_BYTES,
  readNumber,
  SessionPart,
  subscriptionKey,
  Tag,
  type TextHash,
} from './keys.ts';
import { RetainedRows } from './retained.ts';
import { allSessions } from './scans.ts';
import { Summaries } from './summaries.ts';
import { Sweeper } from './sweeper.ts';
import {
  decodeEntry,
  encodeEntry,
  encodePresence,
  encodeSession,
  encodeSubscription,
  encodeWill,
  TopicNames,
} from './values.ts';

/** A page of a queue ends early after so many bytes. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** What two bytes of length can say. */
const TEXT_BYTES_LIMIT = 65_535;

export class LmdbStore implements Store {
  readonly inMemory = false;
  readonly #database: Database;
  readonly #hash: TextHash;
  readonly #fileSystemFreeBytes: () => Promise<number>;
  readonly #summaries: Summaries;
  readonly #bodies: Bodies;
  readonly #buckets: Buckets;
  readonly #key = new Key();
  /** Of the batch that is being written. */
  readonly #deleted: number[] = [];
  readonly sweeper: Sweeper;
  readonly retained: RetainedRows;

  /** `fileSystemFreeBytes` asks how much its file may grow. @throws StoreError 'damaged' */
  constructor(
    database: Database,
    hash: TextHash,
    fileSystemFreeBytes: () => Promise<number>,
    sweepFailed?: (error: unknown) => void,
  ) {
    this.#database = database;
    this.#hash = hash;
    this.#fileSystemFreeBytes = fileSystemFreeBytes;
    this.#summaries = new Summaries(database);
    this.#bodies = new Bodies(database);
    this.#buckets = new Buckets(database);
    this.retained = new RetainedRows(database, this.#buckets, hash);
    this.sweeper = new Sweeper(database, this.#bodies, sweepFailed);
    this.sweeper.start();
  }

  /** @throws StoreError 'commit-failed' for every batch after one that failed, 'damaged' where it must read and cannot */
  commit(batch: readonly Write[]): Awaitable<void> {
    if (batch.length === 0) return;
    if (this.#database.inFlight === 0) {
      this.#summaries.trim();
      this.#bodies.trim();
    }
    this.#prepareAll(batch);
    const committed = this.#database.transaction((transaction) => {
      for (const write of batch) this.#apply(write, transaction);
      this.#bodies.flush(transaction);
      this.#summaries.flush(transaction);
      this.retained.flush(transaction);
      this.#buckets.flush(transaction);
    });
    return committed.then(() => {
      this.retained.committed();
      if (this.#deleted.length > 0) this.sweeper.add(this.#deleted.splice(0));
    });
  }

  /** What the file system has and what is unused in the file: it never becomes smaller. */
  async freeBytes(): Promise<number> {
    // Before anything is awaited: it may be closed meanwhile.
    const { reusableBytes } = this.#database.stats();
    return (await this.#fileSystemFreeBytes()) + reusableBytes;
  }

  contents(): StoreContents {
    const lastOf = (tag: number) => this.#database.last(Buffer.of(tag), Buffer.of(tag + 1));
    const sessions = [lastOf(Tag.session), lastOf(Tag.garbage)].map((row) =>
      row === undefined ? 0 : readNumber(row.key, 1),
    );
    return { lastSession: Math.max(...sessions), retained: this.retained.summary() };
  }

  sessions(): AsyncIterable<StoredSession> {
    return allSessions(this.#database);
  }

  /** May return fewer than `limit` where they are large, at least one where there is one. */
  queue(session: number, after: number, limit: number): readonly StoredEntry[] {
    this.#summaries.load(session);
    const entries: StoredEntry[] = [];
    if (!this.#summaries.has(session) || limit <= 0 || after >= NUMBER_MAX) return entries;
    const from = this.#key.queueEntry(session, after + 1).copy();
    const to = this.#key.numbered(Tag.queue, session + 1).copy();
    const topics = new TopicNames();
    const bodies = new Map<number, Message>();
    let bytes = 0;
    for (const { key, value } of this.#database.range(from, to)) {
      if (key.length > QUEUE_KEY_BYTES) {
        // It stands right behind its entry; if not, the entry was below `after`, or is gone.
        const last = entries.at(-1);
        if (last?.position === readNumber(key, 7)) entries[entries.length - 1] = { ...last, released: true };
        continue;
      }
      if (entries.length >= limit || bytes >= PAGE_BYTES) break;
      const { bodyNumber, message: inline, ...rest } = decoded(key, value, (found) => decodeEntry(found, topics));
      const message = inline ?? bodies.get(bodyNumber) ?? this.#bodies.read(bodyNumber, topics);
      if (inline !== undefined) inline.storeTag = -1;
      else bodies.set(bodyNumber, message);
      entries.push({ position: readNumber(key, 7), message, ...rest, released: false });
      bytes += message.payloadLength;
    }
    return entries;
  }

  /** Resolves when what was committed is over. The environment stays open. */
  close(): Promise<void> {
    return this.#database.idle();
  }

  #prepareAll(batch: readonly Write[]): void {
    try {
      for (const write of batch) this.#prepare(write);
    } catch (error) {
      // What was read for a batch that is not written must not be taken for what a later one finds.
      this.#buckets.forget();
      throw error;
    }
  }

  /** Checks a write and reads what it needs. */
  #prepare(write: Write): void {
    switch (write.op) {
      case 'putRetained':
        checkText('publisher', write.retained.message.publisher);
        checkNumber('sequence', write.retained.sequence);
        this.retained.prepare(write.retained);
        return;
      case 'deleteRetained':
        this.retained.prepare(write.retained);
        return;
      case 'putSession':
        checkNumber('session', write.session.number);
        checkNumber('position', write.session.sentUpTo);
        this.#summaries.load(write.session.number);
        return;
      case 'enqueue':
        checkNumber('position', write.entry.position);
        checkText('publisher', write.entry.message.publisher);
        if (write.entry.share !== undefined) checkText('share', write.entry.share);
        this.#prepareSession(write.session);
        this.#bodies.count(write.entry.message);
        return;
      case 'dequeue':
        this.#prepareSession(write.session);
        if (write.entry.message.storeTag > 0) this.#bodies.load(write.entry.message.storeTag);
        return;
      case 'putSubscription':
        this.#prepareSession(write.session);
        this.#prepareSubscription(write.session, write.subscription.filter);
        return;
      case 'deleteSubscription':
        this.#prepareSession(write.session);
        this.#prepareSubscription(write.session, write.filter);
        return;
      case 'putWill':
        checkText('publisher', write.will.message.publisher);
        this.#prepareSession(write.session);
        return;
      default:
        this.#prepareSession(write.session);
    }
  }

  #prepareSession(session: number): void {
    checkNumber('session', session);
    this.#summaries.load(session);
  }

  #prepareSubscription(session: number, filter: string): void {
    // A character has at most three bytes for each unit of its string: most filters need not be encoded to know.
    if (filter.length * 3 <= 1_000) return;
    const text = Buffer.from(filter);
    if (isLongText(text.length)) this.#buckets.load(subscriptionKey(this.#key, session, text, this.#hash));
  }

  /** Must not throw: see `Database.transaction`. */
  #apply(write: Write, transaction: Transaction): void {
    switch (write.op) {
      case 'putRetained':
        this.retained.put(write.retained, write.former, transaction);
        return;
      case 'deleteRetained':
        this.retained.delete(write.retained, transaction);
        return;
      case 'putSession':
        this.#putSession(write.session, transaction);
        return;
      case 'deleteSession':
        this.#deleteSession(write.session, transaction);
        return;
      default:
        if (this.#summaries.has(write.session)) this.#applyToSession(write, transaction);
    }
  }

  #applyToSession(write: SessionWrite, transaction: Transaction): void {
    const { session } = write;
    const key = this.#key;
    switch (write.op) {
      case 'enqueue': {
        const bodyNumber = this.#bodies.add(write.entry.message, transaction);
        this.#summaries.add(session, write.entry);
        key.queueEntry(session, write.entry.position);
        transaction.put(key, encodeEntry(transaction, write.entry, bodyNumber));
        return;
      }
      case 'dequeue': {
        const { position, qos, message } = write.entry;
        transaction.remove(key.queueEntry(session, position));
        // Only a QoS 2 delivery is ever released.
        if (qos === 2) transaction.remove(key.released(session, position));
        if (message.storeTag > 0) this.#bodies.drop(message.storeTag);
        this.#summaries.remove(session, write.entry);
        return;
      }
      case 'release':
        transaction.put(key.released(session, write.entry.position), encodePresence(transaction));
        return;
      case 'putReceived':
        transaction.put(key.received(session, write.packetId), encodePresence(transaction));
        return;
      case 'deleteReceived':
        transaction.remove(key.received(session, write.packetId));
        return;
      case 'putSubscription': {
        const { subscription } = write;
        const text = Buffer.from(subscription.filter);
        subscriptionKey(key, session, text, this.#hash);
        if (isLongText(text.length))
          this.#buckets.set(key, subscription.filter, (values) => encodeSubscription(values, subscription));
        else transaction.put(key, encodeSubscription(transaction, subscription));
        return;
      }
      case 'deleteSubscription': {
        const text = Buffer.from(write.filter);
        subscriptionKey(key, session, text, this.#hash);
        if (isLongText(text.length)) this.#buckets.delete(key, write.filter);
        else transaction.remove(key);
        return;
      }
      case 'putWill':
        transaction.put(key.sessionPart(session, SessionPart.will), encodeWill(transaction, write.will));
        return;
      case 'deleteWill':
        transaction.remove(key.sessionPart(session, SessionPart.will));
        return;
    }
  }

  #putSession(session: SessionRecord, transaction: Transaction): void {
    this.#summaries.create(session.number);
    const key = this.#key.sessionPart(session.number, SessionPart.record);
    transaction.put(key, encodeSession(transaction, session));
  }

  /** Makes garbage of it: without these keys the rest is seen by nobody, and the sweeper removes it. */
  #deleteSession(session: number, transaction: Transaction): void {
    if (!this.#summaries.has(session)) return;
    this.#summaries.delete(session);
    transaction.remove(this.#key.sessionPart(session, SessionPart.record));
    transaction.remove(this.#key.sessionPart(session, SessionPart.summary));
    transaction.put(this.#key.numbered(Tag.garbage, session), encodePresence(transaction));
    this.#deleted.push(session);
  }
}

type SessionWrite = Exclude<Write, { op: 'putSession' | 'deleteSession' | 'putRetained' | 'deleteRetained' }>;

function checkNumber(what: string, number: number): void {
  if (!(number >= 0 && number <= NUMBER_MAX))
    throw new RangeError(`Cannot store ${what} ${number}: numbers go from 0 to ${NUMBER_MAX}`);
}

function checkText(what: string, text: string): void {
  if (text.length * 3 <= TEXT_BYTES_LIMIT || Buffer.byteLength(text) <= TEXT_BYTES_LIMIT) return;
  throw new RangeError(
    `Cannot store a ${what} of ${Buffer.byteLength(text)} bytes: it has ${TEXT_BYTES_LIMIT} at the most`,
  );
}
