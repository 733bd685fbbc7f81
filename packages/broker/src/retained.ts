/**
 * Retained messages: the last one of each topic (section 3.3.1.3).
 *
 * They live in the Store, which reads what is committed. What is on its way there lies over it until it is durable; a
 * cache spares the reads of topics in use. What the broker says of itself ($SYS) is kept apart and never stored.
 */
import { hasWildcard } from '@dunlin/protocol';
import type { GroupCommit, Waiter } from './group-commit.ts';
import type { Limits } from './limits.ts';
import { MemoryRetained } from './memory/retained.ts';
import { type Message, retainedBytes } from './message.ts';
import type { Metrics } from './metrics.ts';
import type { Retained, RetainedCursor, RetainedSummary, Store } from './ports.ts';
import { RetainedCache } from './retained-cache.ts';
import { OneTopic, RetainedWalk } from './retained-walk.ts';
import { isOfBroker } from './topics.ts';

/** Expired messages that are deleted in one sweep, and their bytes: each is read, and stays in memory until the commit. */
const SWEEP_MAX = 1_000;
const SWEEP_BYTES = 4 * 1024 * 1024;
/** From so many bytes on a message that a walk has read is kept for the next: smaller ones are sooner read again. */
const SHARED_BYTES_MIN = 1024;

/** What becomes of a topic; not durable yet. */
interface Change {
  readonly topic: string;
  /** Undefined: deleted. */
  readonly retained: Retained | undefined;
  /** The topic had another one before: it is in use, and worth a place in the cache. */
  readonly isInUse: boolean;
  readonly ticket: number;
}

export class RetainedMessages implements Waiter {
  readonly #limits: Limits;
  readonly #store: Store;
  readonly #commits: GroupCommit;
  readonly #cache: RetainedCache;
  readonly #ofBroker = new MemoryRetained();
  readonly #changes = new Map<string, Change>();
  /** The batches with changes that are not durable, oldest first. */
  readonly #batches: Change[][] = [];
  /** Of the last change. */
  #ticket = 0;
  #sequence = 0;
  #count = 0;
  #bytes = 0;

  constructor(limits: Limits, store: Store, commits: GroupCommit, metrics: Metrics) {
    this.#limits = limits;
    this.#store = store;
    this.#commits = commits;
    // A store in memory is as near as a cache.
    this.#cache = new RetainedCache(store.inMemory ? 0 : limits.retainedCacheBytesMax, metrics);
  }

  /** What the store has at start. */
  restore({ messages, bytes, lastSequence }: RetainedSummary): void {
    this.#count = messages;
    this.#bytes = bytes;
    this.#sequence = lastSequence;
  }

  get count(): number {
    return this.#count + this.#ofBroker.count;
  }
  get bytes(): number {
    return this.#bytes + this.#ofBroker.bytes;
  }
  /** What a replay that begins now compares with `Retained.sequence`. */
  get sequence(): number {
    return this.#sequence;
  }

  get(topic: string): Message | undefined {
    return (isOfBroker(topic) ? this.#ofBroker.get(topic) : this.#find(topic))?.message;
  }

  /** Whether the message fits the limits; in place of a former one that is not smaller it always does. */
  hasRoomFor(message: Message): boolean {
    const { retainedMessagesMax, retainedBytesMax } = this.#limits;
    const bytes = retainedBytes(message);
    if (this.count < retainedMessagesMax && this.bytes + bytes <= retainedBytesMax) return true;
    const former = this.get(message.topic.name);
    if (former === undefined) return false;
    const formerBytes = retainedBytes(former);
    return bytes <= formerBytes || this.bytes + bytes - formerBytes <= retainedBytesMax;
  }

  /** Replaces the message of a topic [MQTT-3.3.1-5]. The message must own its bytes. */
  set(message: Message): void {
    const topic = message.topic.name;
    this.#sequence += 1;
    const retained = { message, sequence: this.#sequence };
    if (isOfBroker(topic)) {
      this.#ofBroker.put(retained);
      return;
    }
    const former = this.#find(topic);
    if (former === undefined) this.#count += 1;
    else this.#bytes -= retainedBytes(former.message);
    this.#bytes += retainedBytes(message);
    this.#change(topic, retained, former !== undefined, this.#commits.write({ op: 'putRetained', retained, former }));
  }

  /** Where there is none, but another's deletion is still on its way to the store, the answer to this one waits for it. */
  delete(topic: string): void {
    if (isOfBroker(topic)) {
      this.#ofBroker.delete(topic);
      return;
    }
    const former = this.#find(topic);
    if (former === undefined) {
      if (this.#changes.has(topic)) this.#commits.depend();
      return;
    }
    this.#count -= 1;
    this.#bytes -= retainedBytes(former.message);
    this.#change(topic, undefined, true, this.#commits.write({ op: 'deleteRetained', retained: former }));
  }

  /** False where no topic matches the filter for sure. */
  mayMatch(filter: string): boolean {
    return isOfBroker(filter) ? this.#ofBroker.count > 0 : this.#count > 0;
  }

  walk(filter: string): RetainedWalk {
    if (isOfBroker(filter)) return new RetainedWalk(() => this.#ofBroker.cursor(filter), always, itself);
    const ticket = this.#ticket;
    return new RetainedWalk(
      () => this.#cursor(filter),
      () => this.#commits.isDurable(ticket),
      (found) => this.#current(found),
    );
  }

  /** Deletes some of what has expired. */
  sweep(nowMs: number): void {
    for (const topic of this.#ofBroker.expired(nowMs, SWEEP_MAX)) this.#ofBroker.delete(topic);
    if (this.#count === 0) return;
    const topics = this.#attempt(() => this.#store.retained.expired(nowMs, SWEEP_MAX), []);
    let bytes = 0;
    for (const topic of topics) {
      const message = this.#find(topic)?.message;
      // The store does not see what has changed meanwhile.
      if (message?.isExpired(nowMs) !== true) continue;
      this.delete(topic);
      bytes += message.heldBytes;
      if (bytes >= SWEEP_BYTES) return;
    }
  }

  /** A batch with changes is durable: the store can read them. */
  durable(): void {
    for (const change of this.#batches.shift() ?? []) {
      if (this.#changes.get(change.topic) !== change) continue;
      this.#changes.delete(change.topic);
      if (change.isInUse && change.retained !== undefined) this.#cache.add(change.retained);
    }
  }

  #change(topic: string, retained: Retained | undefined, isInUse: boolean, ticket: number): void {
    if (ticket !== this.#ticket) {
      this.#ticket = ticket;
      this.#batches.push([]);
      this.#commits.wait(this);
    }
    const change = { topic, retained, isInUse, ticket };
    this.#changes.set(topic, change);
    (this.#batches.at(-1) as Change[]).push(change);
    if (isInUse) this.#cache.delete(topic);
  }

  #find(topic: string): Retained | undefined {
    const change = this.#changes.get(topic);
    if (change !== undefined) return change.retained;
    const cached = this.#cache.get(topic);
    if (cached !== undefined) return cached;
    const found = this.#attempt(() => this.#store.retained.get(topic), undefined);
    if (found !== undefined) this.#cache.add(found);
    return found;
  }

  #cursor(filter: string): RetainedCursor {
    if (!hasWildcard(filter)) return new OneTopic(() => this.#find(filter));
    const cursor = this.#store.retained.cursor(filter);
    return {
      get isDone() {
        return cursor.isDone;
      },
      next: (looksMax) => this.#attempt(() => cursor.next(looksMax), undefined),
      pause: () => cursor.pause(),
    };
  }

  /** What the store has found, unless it has changed meanwhile; one object for all who read it about the same time. */
  #current(found: Retained): Retained | undefined {
    const { message, sequence } = found;
    const change = this.#changes.get(message.topic.name);
    // What is durable was told to others first, perhaps, and what the store has found is just that.
    if (change !== undefined && !this.#commits.isDurable(change.ticket)) return undefined;
    if (message.heldBytes < SHARED_BYTES_MIN || this.#store.inMemory) return found;
    const cached = this.#cache.get(message.topic.name);
    if (cached?.sequence === sequence) return cached;
    if (cached === undefined && change === undefined) this.#cache.add(found);
    return found;
  }

  /** What cannot be read is fatal: the broker stops, and nothing that comes of `instead` is ever told. */
  #attempt<T>(read: () => T, instead: T): T {
    try {
      return read();
    } catch (error) {
      this.#commits.fail(error);
      return instead;
    }
  }
}

function always(): boolean {
  return true;
}

function itself(found: Retained): Retained {
  return found;
}
