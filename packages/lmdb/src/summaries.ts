/**
 * What the queue of each session holds, kept exact in memory for the sessions in use and written once per batch.
 *
 * A session without a summary does not exist: that is how writes for sessions that are gone are told. What is known
 * here is ahead of the database by what is under way, so it is forgotten only when nothing is.
 */
import type { QueuedRecord } from '@dunlin/broker';
import { decoded } from './damage.ts';
import type { Database, Transaction } from './database.ts';
import { Key, SessionPart } from './keys.ts';
import { decodeSummary, encodeSummary } from './values.ts';

/** Sessions remembered at the most when nothing is under way. */
const KNOWN_MAX = 50_000;

/** A `QueueSummary` that changes. */
interface Tracked {
  readonly session: number;
  messages: number;
  bytes: number;
  shares: number;
  lastPosition: number;
  /** It is among those to be written with this batch. */
  isChanged: boolean;
}

export class Summaries {
  readonly #database: Database;
  readonly #key = new Key();
  /** Null: there is no such session. */
  readonly #known = new Map<number, Tracked | null>();
  #changed: Tracked[] = [];

  constructor(database: Database) {
    this.#database = database;
  }

  /** Makes a session known. @throws StoreError 'damaged' */
  load(session: number): void {
    if (this.#known.has(session)) return;
    const key = this.#key.sessionPart(session, SessionPart.summary);
    const value = this.#database.get(key);
    if (value === undefined) {
      this.#known.set(session, null);
      return;
    }
    this.#known.set(session, { session, ...decoded(key.copy(), value, decodeSummary), isChanged: false });
  }

  /** Whether a session exists that was made known. */
  has(session: number): boolean {
    return this.#known.get(session) != null;
  }

  /** Makes the summary of a new session; leaves that of an existing one. */
  create(session: number): void {
    if (this.has(session)) return;
    const tracked = { session, messages: 0, bytes: 0, shares: 0, lastPosition: 0, isChanged: false };
    this.#known.set(session, tracked);
    this.#touch(tracked);
  }

  /** The session is gone. */
  delete(session: number): void {
    this.#known.set(session, null);
  }

  /** False where there is no such session. */
  add(session: number, entry: QueuedRecord): boolean {
    const tracked = this.#known.get(session);
    if (tracked == null) return false;
    tracked.messages += 1;
    tracked.bytes += entry.message.heldBytes;
    if (entry.share !== undefined) tracked.shares += 1;
    if (entry.position > tracked.lastPosition) tracked.lastPosition = entry.position;
    this.#touch(tracked);
    return true;
  }

  /** False where there is no such session. */
  remove(session: number, entry: QueuedRecord): boolean {
    const tracked = this.#known.get(session);
    if (tracked == null) return false;
    // Never below nothing, whatever the caller counts: it could not be written.
    tracked.messages = Math.max(0, tracked.messages - 1);
    tracked.bytes = Math.max(0, tracked.bytes - entry.message.heldBytes);
    if (entry.share !== undefined) tracked.shares = Math.max(0, tracked.shares - 1);
    this.#touch(tracked);
    return true;
  }

  /** Writes what has changed. */
  flush(transaction: Transaction): void {
    for (const tracked of this.#changed) {
      tracked.isChanged = false;
      if (this.#known.get(tracked.session) !== tracked) continue;
      const key = this.#key.sessionPart(tracked.session, SessionPart.summary);
      transaction.put(key, encodeSummary(transaction, tracked));
    }
    this.#changed = [];
  }

  /** Forgets, when too many are known. Only while nothing is under way. */
  trim(): void {
    if (this.#known.size > KNOWN_MAX) this.#known.clear();
  }

  #touch(tracked: Tracked): void {
    if (tracked.isChanged) return;
    tracked.isChanged = true;
    this.#changed.push(tracked);
  }
}
