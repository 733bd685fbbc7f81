/**
 * Watches how much room the store has, so that a full disk is met before it happens.
 *
 * Below `storeFreeBytesMin` what would need more of it is refused: messages for stored sessions, retained messages, also
 * of the server itself, new stored sessions, their subscriptions, and wills of new sessions. QoS 0, sessions without stored
 * state, draining and deleting go on, from the reserve. A will that was promised before goes out all the same, but only to
 * who is there, at QoS 0. A tenth above the limit all is as before.
 */
import type { BrokerEvent } from './events.ts';
import type { Store } from './ports.ts';

/** The broker, as the watch sees it. */
export interface StorageWatchOwner {
  tell(event: BrokerEvent): void;
  internalError(error: unknown): void;
}

const LOOK_EVERY_MS = 1_000;
const RELAXED = 1.1;

export class StorageWatch {
  /** Nothing more may be stored than what ends something. */
  isLow = false;
  readonly #store: Store;
  readonly #freeBytesMin: number;
  readonly #owner: StorageWatchOwner;
  #nextAtMs = 0;
  #isLooking = false;
  #isStopped = false;

  constructor(store: Store, freeBytesMin: number, owner: StorageWatchOwner) {
    this.#store = store;
    this.#freeBytesMin = freeBytesMin;
    this.#owner = owner;
  }

  /** Looks, once a second at the most; `steadyMs` is the steady clock. Settles when `isLow` is right. */
  async tick(steadyMs: number): Promise<void> {
    if (steadyMs < this.#nextAtMs || this.#isLooking || this.#isStopped) return;
    this.#nextAtMs = steadyMs + LOOK_EVERY_MS;
    try {
      const free = this.#store.freeBytes();
      if (!(free instanceof Promise)) this.#found(free);
      else {
        this.#isLooking = true;
        this.#found(await free);
      }
    } catch (error) {
      // A store that was closed meanwhile has no answer.
      if (!this.#isStopped) this.#owner.internalError(error);
    } finally {
      this.#isLooking = false;
    }
  }

  /** The store is about to be closed: nobody asks it any more, and what it answers is of no use. */
  stop(): void {
    this.#isStopped = true;
  }

  #found(freeBytes: number): void {
    if (this.#isStopped) return;
    const isLow = freeBytes < this.#freeBytesMin * (this.isLow ? RELAXED : 1);
    if (isLow === this.isLow) return;
    this.isLow = isLow;
    const storeFreeBytesMin = this.#freeBytesMin;
    this.#owner.tell(
      isLow ? { name: 'storeNearlyFull', freeBytes, storeFreeBytesMin } : { name: 'storeHasRoom', freeBytes },
    );
  }
}
