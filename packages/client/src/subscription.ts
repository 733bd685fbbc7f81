/** A subscription in the hands of the application: a promise of the server's answer and a stream of messages. */

import type { Properties } from '@dunlin/protocol';
import { callApart } from './events.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { Delivery } from './receiving.ts';
import type { FilterResult } from './requests.ts';

/** Called for every message of a subscription. */
export type MessageHandler = (message: ReceivedMessage) => void;

/** What a subscription needs of its client. */
export interface SubscriptionOwner {
  /** Takes the subscription away at the server, where no other one of this client has the same filters. */
  unsubscribe(subscription: Subscription): Promise<void>;
  /** A message found no room. */
  dropped(): void;
}

/** Waiting calls of `next`. */
interface Reader {
  resolve(result: IteratorResult<ReceivedMessage, undefined>): void;
  reject(error: unknown): void;
}

/**
 * An accepted subscription, and an async iterator of its messages.
 *
 * Messages are kept for the iterator from the call of `subscribe` on, up to `iteratorMessagesMax`. Once it is full,
 * messages of QoS 1 and 2 are not acknowledged until there is room, so the server holds back the rest (Receive
 * Maximum); messages of QoS 0 are dropped and counted. Where nobody ever iterates, the messages kept are let go when
 * they reach the limit, and none is kept any more. With a handler nothing is kept. Leaving the loop (`break`)
 * unsubscribes. The loop ends when the subscription or the connection ends in order, and throws where it broke.
 */
export class Subscription implements AsyncIterable<ReceivedMessage, undefined> {
  readonly filters: readonly string[];
  /** The granted QoS or the refusal of each filter; empty until SUBACK. */
  results: readonly FilterResult[] = [];
  /** Of the SUBACK. */
  properties: Properties = {};
  readonly #owner: SubscriptionOwner;
  readonly #handler: MessageHandler | undefined;
  readonly #messagesMax: number;
  #mode: 'handler' | 'keeping' | 'iterating' | 'unheard';
  #kept: Delivery[] = [];
  #readers: Reader[] = [];
  #end: { readonly error: Error | undefined } | undefined;

  constructor(owner: SubscriptionOwner, filters: readonly string[], messagesMax: number, handler?: MessageHandler) {
    this.#owner = owner;
    this.filters = filters;
    this.#messagesMax = messagesMax;
    this.#handler = handler;
    this.#mode = handler === undefined ? 'keeping' : 'handler';
  }

  /** True until it was unsubscribed or the connection ended. */
  get isActive(): boolean {
    return this.#end === undefined;
  }

  /** Unsubscribes; settles with the server's answer. Harmless when it is over. */
  unsubscribe(): Promise<void> {
    return this.isActive ? this.#owner.unsubscribe(this) : Promise.resolve();
  }

  /** The messages; one consumer takes them, a second iterator shares with the first. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    if (this.#mode === 'keeping' || this.#mode === 'unheard') this.#mode = 'iterating';
    return {
      next: () => this.#next(),
      return: async () => {
        // Whoever leaves the loop does not wait for the server; a failure shows where the connection is watched.
        this.unsubscribe().catch(() => {});
        this.finish(undefined);
        return { done: true, value: undefined };
      },
    };
  }

  /** For the client: takes a message. Returns true where its acknowledgement may go out now. */
  deliver(delivery: Delivery): boolean {
    if (this.#end !== undefined) return true;
    if (this.#handler !== undefined) {
      callApart(this.#handler, delivery.message);
      return true;
    }
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: delivery.message });
      return true;
    }
    return this.#keep(delivery);
  }

  /** For the client: the end. With an error iterators throw it, behind the messages kept. */
  finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    // Nobody may come for these any more, and an acknowledgement owed blocks those behind it.
    for (const delivery of this.#kept.slice(this.#messagesMax)) delivery.acknowledge();
    const readers = this.#readers;
    this.#readers = [];
    for (const reader of readers) this.#tellEnd(reader);
  }

  #keep(delivery: Delivery): boolean {
    if (this.#mode === 'unheard') return true;
    if (this.#kept.length < this.#messagesMax) {
      this.#kept.push(delivery);
      return true;
    }
    if (this.#mode === 'keeping') {
      this.#mode = 'unheard';
      this.#kept = [];
      return true;
    }
    if (delivery.message.qos === 0) {
      this.#owner.dropped();
      return true;
    }
    this.#kept.push(delivery);
    return false;
  }

  #next(): Promise<IteratorResult<ReceivedMessage, undefined>> {
    const delivery = this.#kept.shift();
    if (delivery !== undefined) {
      // The one which now comes within the limit has waited for its acknowledgement until here.
      if (this.#end === undefined) this.#kept[this.#messagesMax - 1]?.acknowledge();
      return Promise.resolve({ done: false, value: delivery.message });
    }
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#end === undefined) this.#readers.push(reader);
      else this.#tellEnd(reader);
    });
  }

  #tellEnd({ resolve, reject }: Reader): void {
    if (this.#end?.error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#end.error);
  }
}

/**
 * A subscription on its way: `await` it for the server's answer, or iterate over it at once.
 *
 * It settles with the `Subscription`, or rejects: refused (no filter was granted), closed, timed out, aborted. The
 * rejection may be left alone by those who iterate: the loop throws it.
 */
export class PendingSubscription implements Promise<Subscription>, AsyncIterable<ReceivedMessage, undefined> {
  readonly [Symbol.toStringTag] = 'PendingSubscription';
  readonly #subscription: Subscription;
  readonly #answered: Promise<Subscription>;

  constructor(subscription: Subscription, answered: Promise<Subscription>) {
    this.#subscription = subscription;
    this.#answered = answered;
  }

  // biome-ignore lint/suspicious/noThenProperty: being awaited is what it is for.
  then<Result = Subscription, Failure = never>(
    fulfilled?: ((subscription: Subscription) => Result | PromiseLike<Result>) | null,
    rejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    return this.#answered.then(fulfilled, rejected);
  }

  /** As of a promise. */
  catch<Failure = never>(
    rejected?: ((error: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Subscription | Failure> {
    return this.#answered.catch(rejected);
  }

  /** As of a promise. */
  finally(settled?: (() => void) | null): Promise<Subscription> {
    return this.#answered.finally(settled);
  }

  /** Unsubscribes, also before the server has answered. */
  unsubscribe(): Promise<void> {
    return this.#subscription.unsubscribe();
  }

  /** See `Subscription`. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    this.#answered.catch(() => {});
    return this.#subscription[Symbol.asyncIterator]();
  }
}
