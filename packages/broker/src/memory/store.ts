/** The Store that remembers as long as the process lives, and answers at once. */
import type {
  Awaitable,
  SessionRecord,
  Store,
  StoreContents,
  StoredEntry,
  StoredSession,
  SubscriptionRecord,
  WillRecord,
  Write,
} from '../ports.ts';
import { MemoryRetained } from './retained.ts';
import { EMPTY_QUEUE, StoredQueue } from './stored-queue.ts';

/** What is kept of one session; the collections are made when first needed, since most sessions need few of them. */
interface SessionState {
  record: SessionRecord;
  subscriptions: Map<string, SubscriptionRecord> | undefined;
  received: Set<number> | undefined;
  will: WillRecord | undefined;
  queue: StoredQueue | undefined;
}

/**
 * Keeps the records it is given, by reference: they must not change afterwards.
 *
 * `commit` has applied the whole batch when it returns, so nothing ever waits. Writes for a session that has no record
 * are passed over. A second Broker on the same store finds what the first one left, as after a restart.
 */
export class MemoryStore implements Store {
  readonly inMemory = true;
  readonly #sessions = new Map<number, SessionState>();
  readonly retained = new MemoryRetained();

  commit(batch: readonly Write[]): void {
    for (const write of batch) this.#apply(write);
  }

  freeBytes(): Awaitable<number> {
    return Number.POSITIVE_INFINITY;
  }

  contents(): StoreContents {
    let lastSession = 0;
    for (const number of this.#sessions.keys()) lastSession = Math.max(lastSession, number);
    return { lastSession, retained: this.retained.summary() };
  }

  async *sessions(): AsyncIterable<StoredSession> {
    for (const { record, subscriptions, received, will, queue } of this.#sessions.values())
      yield {
        record,
        subscriptions: [...(subscriptions?.values() ?? [])],
        received: [...(received ?? [])],
        will,
        queue: queue?.summary() ?? EMPTY_QUEUE,
      };
  }

  queue(session: number, after: number, limit: number): readonly StoredEntry[] {
    return this.#sessions.get(session)?.queue?.page(after, limit) ?? [];
  }

  /** Forgets nothing, so that the store can be given to the next broker. */
  async close(): Promise<void> {}

  #apply(write: Write): void {
    switch (write.op) {
      case 'putSession':
        this.#putSession(write.session);
        return;
      case 'deleteSession':
        this.#sessions.delete(write.session);
        return;
      case 'putRetained':
        this.retained.put(write.retained);
        return;
      case 'deleteRetained':
        this.retained.delete(write.retained.message.topic.name);
        return;
      default: {
        const state = this.#sessions.get(write.session);
        if (state !== undefined) applyToSession(state, write);
      }
    }
  }

  #putSession(record: SessionRecord): void {
    const state = this.#sessions.get(record.number);
    if (state !== undefined) {
      state.record = record;
      return;
    }
    this.#sessions.set(record.number, {
      record,
      subscriptions: undefined,
      received: undefined,
      will: undefined,
      queue: undefined,
    });
  }
}

type SessionWrite = Exclude<Write, { op: 'putSession' | 'deleteSession' | 'putRetained' | 'deleteRetained' }>;

function applyToSession(state: SessionState, write: SessionWrite): void {
  switch (write.op) {
    case 'enqueue':
      state.queue ??= new StoredQueue();
      state.queue.add(write.entry);
      return;
    case 'dequeue':
      state.queue ??= new StoredQueue();
      state.queue.remove(write.entry.position);
      return;
    case 'release':
      state.queue?.release(write.entry.position);
      return;
    case 'putReceived':
      state.received ??= new Set();
      state.received.add(write.packetId);
      return;
    case 'deleteReceived':
      state.received?.delete(write.packetId);
      return;
    case 'putSubscription':
      state.subscriptions ??= new Map();
      state.subscriptions.set(write.subscription.filter, write.subscription);
      return;
    case 'deleteSubscription':
      state.subscriptions?.delete(write.filter);
      return;
    case 'putWill':
      state.will = write.will;
      return;
    case 'deleteWill':
      state.will = undefined;
      return;
  }
}
