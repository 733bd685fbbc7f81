/**
 * A replay: retained messages on their way to a new subscription.
 *
 * It is a cursor, not queue entries: it goes on as the window and the outbox allow and reads the value of each topic
 * when it comes to it. A value stored after the replay began went to the subscription live, so the replay passes over
 * it; thus nothing older ever follows something newer.
 */
import type { Retained } from './retained.ts';
import type { Subscription } from './subscription.ts';
import type { TopicCursor } from './topic-tree.ts';

/** Nodes a replay looks at before it looks at the clock. */
const NODES_PER_STEP = 256;

export class Replay {
  readonly subscription: Subscription;
  readonly #cursor: TopicCursor<Retained>;
  readonly #sequence: number;

  /** `sequence`: `RetainedMessages.sequence` at the subscription. */
  constructor(subscription: Subscription, cursor: TopicCursor<Retained>, sequence: number) {
    this.subscription = subscription;
    this.#cursor = cursor;
    this.#sequence = sequence;
  }

  get isDone(): boolean {
    return this.#cursor.isDone;
  }

  /** The next message that is due to the subscription; undefined after a bounded search without one. */
  next(nowMs: number): Retained | undefined {
    const retained = this.#cursor.next(NODES_PER_STEP);
    if (retained === undefined || retained.sequence > this.#sequence || retained.message.isExpired(nowMs))
      return undefined;
    return retained;
  }
}

/** The replays of a session, one for each filter, in the order they began. */
export class Replays {
  readonly #byFilter = new Map<string, Replay>();
  /** Goes along with them: to begin anew would pass over all that are done, each time. */
  readonly #inOrder = this.#byFilter.values();
  #current: Replay | undefined = undefined;

  get isEmpty(): boolean {
    return this.#byFilter.size === 0;
  }

  /** Adds a replay in place of a former one of its filter. */
  add(replay: Replay): void {
    this.cancel(replay.subscription.filter);
    this.#byFilter.set(replay.subscription.filter, replay);
  }

  cancel(filter: string): void {
    this.#byFilter.delete(filter);
    if (this.#current?.subscription.filter === filter) this.#current = undefined;
  }

  /** The one that is due to go on, until it is cancelled; undefined where there is none, and then for good. */
  next(): Replay | undefined {
    this.#current ??= this.#inOrder.next().value;
    return this.#current;
  }
}
