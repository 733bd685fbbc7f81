/** A subscription in the hands of the application: a promise of the server's answer and a stream of messages. */

import type { Properties } from '@dunlin/protocol';
import type { Delivery } from './delivery.ts';
import { callHandler } from './handlers.ts';
import type { MessageHandler } from './options.ts';
import type { ReceivedMessage } from './received-message.ts';
import type { FilterResult } from './requests.ts';

/** What a subscription needs of its client. */
export interface SubscriptionOwner {
  /** Takes the subscription away at the server, where no other one of this client has the same filters. */
  unsubscribe(subscription: Subscription): Promise<void>;
  /** A message found no room. */
  dropped(): void;
  /** The first message whose acknowledgement waits for room; it holds up all that come behind it [MQTT-4.6.0-2]. */
  held(): void;
  /** Whether this client also hands the message to who is no subscription. */
  isHeard(message: ReceivedMessage): boolean;
}

/** A message in the iterator. */
interface Kept {
  readonly message: ReceivedMessage;
  readonly delivery: Delivery | undefined;
  /** Its acknowledgement waits for room. */
  isHeld: boolean;
}

type Next = IteratorResult<ReceivedMessage, undefined>;

/**
 * A subscription, and an async iterator of its messages. It outlives connections, and ends when it is unsubscribed, when
 * the server refuses it, or with the client.
 *
 * Without a handler messages are kept for the iterator from the call of `subscribe` on, up to `iteratorMessagesMax`.
 * Once it is full, messages of QoS 1 and 2 are not acknowledged until there is room, so the server holds back the rest
 * (Receive Maximum); messages of QoS 0 are dropped and counted. Acknowledgements keep the order of the messages, so
 * an iterator that is not read holds up those of every other subscription, also one that has not begun. Only where
 * nobody iterates, and the application has the messages by the event `message` or `handle`, those kept are let go at the
 * limit, and none is kept any more. Leaving the loop (`break`) unsubscribes, unless there are handlers. The loop ends
 * when the subscription ends in order, and throws where it broke.
 */
export class Subscription implements AsyncIterable<ReceivedMessage, undefined> {
  readonly filters: readonly string[];
  /** The granted QoS or the refusal of each filter; empty until SUBACK. */
  results: readonly FilterResult[] = [];
  /** Of the SUBACK. */
  properties: Properties = {};
  readonly #owner: SubscriptionOwner;
  readonly #handlers = new Set<MessageHandler>();
  readonly #messagesMax: number;
  readonly #isManual: boolean;
  #mode: 'keeping' | 'iterating' | 'unheard' = 'keeping';
  #kept: Kept[] = [];
  #hasHeld = false;
  #readers: PromiseWithResolvers<Next>[] = [];
  #end: { readonly error: Error | undefined } | undefined;

  constructor(owner: SubscriptionOwner, filters: readonly string[], messagesMax: number, isManual: boolean) {
    this.#owner = owner;
    this.filters = filters;
    this.#messagesMax = messagesMax;
    this.#isManual = isManual;
  }

  /** True until the subscription has ended. */
  get isActive(): boolean {
    return this.#end === undefined;
  }

  /**
   * Calls the handler for each message, those kept so far too where it is the first to ask; the function returned takes
   * it away. The server hears of neither.
   */
  on(handler: MessageHandler): () => void {
    this.#handlers.add(handler);
    if (this.#mode === 'keeping') {
      this.#mode = 'unheard';
      for (const kept of this.#kept.splice(0)) {
        callHandler(handler, kept.message, kept.isHeld ? kept.delivery : undefined);
        release(kept);
      }
    }
    return () => void this.#handlers.delete(handler);
  }

  /** Unsubscribes; settles with the server's answer. Harmless when it is over. */
  unsubscribe(): Promise<void> {
    return this.isActive ? this.#owner.unsubscribe(this) : Promise.resolve();
  }

  /** The messages; one consumer takes them, a second iterator shares with the first. */
  [Symbol.asyncIterator](): AsyncIterator<ReceivedMessage, undefined> {
    this.#mode = 'iterating';
    return {
      next: () => this.#next(),
      return: async () => {
        if (this.#handlers.size === 0) {
          // Whoever leaves the loop does not wait for the server; a failure shows where the connection is watched.
          this.unsubscribe().catch(() => {});
          this.finish(undefined);
        }
        this.#forget();
        return { done: true, value: undefined };
      },
    };
  }

  /** For the client: takes a message; holds its delivery for as long as it is not to be acknowledged. */
  deliver(message: ReceivedMessage, delivery: Delivery | undefined): void {
    if (this.#end !== undefined) return;
    // Nobody would acknowledge what nobody hears.
    if (this.#isManual && (this.#handlers.size > 0 || this.#mode !== 'unheard')) delivery?.holdByHand();
    for (const handler of this.#handlers) callHandler(handler, message, delivery);
    if (this.#mode === 'unheard') return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#keep(message, delivery);
    else reader.resolve({ done: false, value: message });
  }

  /** For the client: the end. With an error iterators throw it, behind the messages kept. */
  finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    // Nobody may come for these any more, and an acknowledgement owed blocks those behind it.
    for (const kept of this.#kept) {
      release(kept);
      if (this.#mode === 'keeping') this.#dropHand(kept);
    }
    for (const reader of this.#readers.splice(0)) this.#tellEnd(reader);
  }

  #keep(message: ReceivedMessage, delivery: Delivery | undefined): void {
    const kept: Kept = { message, delivery, isHeld: false };
    if (this.#kept.length < this.#messagesMax) {
      this.#kept.push(kept);
    } else if (this.#mode === 'keeping' && this.#owner.isHeard(message)) {
      this.#kept.push(kept);
      this.#forget();
    } else if (delivery === undefined) {
      this.#owner.dropped();
    } else {
      delivery.hold();
      kept.isHeld = true;
      // Those of a connection that is over come again, or their session is gone: they would pile up.
      if (this.#kept[this.#messagesMax]?.delivery?.isStale) {
        this.#kept = this.#kept.filter((one, index) => index < this.#messagesMax || !one.delivery?.isStale);
      }
      this.#kept.push(kept);
      if (!this.#hasHeld) this.#owner.held();
      this.#hasHeld = true;
    }
  }

  /** Keeps nothing any more. */
  #forget(): void {
    this.#mode = 'unheard';
    for (const kept of this.#kept.splice(0)) {
      release(kept);
      this.#dropHand(kept);
    }
  }

  /** The application never saw it, unless a handler did. */
  #dropHand({ delivery }: Kept): void {
    if (this.#isManual && this.#handlers.size === 0) delivery?.dropHand();
  }

  #next(): Promise<Next> {
    const kept = this.#kept.shift();
    const reader = Promise.withResolvers<Next>();
    if (kept !== undefined) {
      // The one which now comes within the limit has waited for its acknowledgement until here.
      release(this.#kept[this.#messagesMax - 1]);
      reader.resolve({ done: false, value: kept.message });
    } else if (this.#end === undefined) this.#readers.push(reader);
    else this.#tellEnd(reader);
    return reader.promise;
  }

  #tellEnd({ resolve, reject }: PromiseWithResolvers<Next>): void {
    if (this.#end?.error === undefined) resolve({ done: true, value: undefined });
    else reject(this.#end.error);
  }
}

/** Waits no more. */
function release(kept: Kept | undefined): void {
  if (!kept?.isHeld) return;
  kept.isHeld = false;
  kept.delivery?.release();
}

/**
 * A subscription on its way: `await` it for the server's answer, or iterate over it at once.
 *
 * It settles with the `Subscription`, or rejects: refused (no filter was granted), closed, timed out, aborted. The
 * rejection may be left alone by those who iterate: the loop throws it.
 */
export interface PendingSubscription extends Promise<Subscription>, AsyncIterable<ReceivedMessage, undefined> {
  /** Unsubscribes, also before the server has answered. */
  unsubscribe(): Promise<void>;
}

/** Makes the promise of the answer a stream too. */
export function pendingSubscription(subscription: Subscription, answered: Promise<Subscription>): PendingSubscription {
  return Object.assign(answered, {
    unsubscribe: () => subscription.unsubscribe(),
    [Symbol.asyncIterator]: () => {
      answered.catch(() => {});
      return subscription[Symbol.asyncIterator]();
    },
  });
}
