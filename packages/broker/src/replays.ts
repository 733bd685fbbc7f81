/** The replays of a session, one for each filter, in the order they began, and their pace. */
import type { Connection } from './connection.ts';
import type { Message } from './message.ts';
import type { Replay } from './replay.ts';
import type { SessionContext } from './session-context.ts';
import type { Subscription } from './subscription.ts';

/** A replay pauses while this much is unsent, so that live messages do not wait behind it. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** Messages between two looks at the clock. */
const STEPS_A_LOOK = 64;

/** The session, as its replays see it. */
export interface ReplayTarget {
  /** Its connection, where a retained message of the subscription could go out now. */
  roomFor(subscription: Subscription): Connection | undefined;
  /** Sends it. Returns false where it waits for its commit, and the others behind it. */
  sendRetained(connection: Connection, message: Message, subscription: Subscription): boolean;
  /** Goes on with the replays when all that is written now is durable. */
  continueWhenDurable(): void;
  /** Goes on with the replays in a later turn. */
  continueReplays(): void;
  /** All that was due to the subscription is on its way. */
  replayDone(subscription: Subscription): void;
}

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

  /** What is not sent yet is sent with the options of the subscription that has replaced the former one of its filter. */
  replace(subscription: Subscription, sequence: number): void {
    this.#byFilter.get(subscription.filter)?.replace(subscription, sequence);
  }

  /** Up to which sequence retained messages are due to the subscription of a filter; undefined where none are. */
  upTo(filter: string): number | undefined {
    return this.#byFilter.get(filter)?.upTo;
  }

  pause(sequence: number): void {
    for (const replay of this.#byFilter.values()) replay.pause(sequence);
  }

  goOn(sequence: number): void {
    for (const replay of this.#byFilter.values()) replay.goOn(sequence);
  }

  cancel(filter: string): void {
    this.#byFilter.delete(filter);
    if (this.#current?.subscription.filter === filter) this.#current = undefined;
  }

  /**
   * Sends as the target has room and the broker has time. Whatever brings room back, an acknowledgement or a drained
   * outbox, calls it again.
   */
  pump(target: ReplayTarget, context: SessionContext): void {
    const endAtMs = context.pauseAtMs();
    const unsentMax = Math.min(UNSENT_BYTES_MAX, context.limits.outboxBytesMax / 2);
    // One step is always taken: whoever comes when the time is over still gets on.
    for (let step = 1; ; step++) {
      const replay = this.#next();
      if (replay === undefined) return;
      if (replay.isDone) {
        this.cancel(replay.subscription.filter);
        target.replayDone(replay.subscription);
        continue;
      }
      const connection = target.roomFor(replay.subscription);
      if (connection === undefined) return;
      if (!replay.isReady) {
        target.continueWhenDurable();
        return;
      }
      if (connection.unsentBytes > unsentMax) {
        // Where the wire takes everything at the end of the turn, nothing drains.
        if (!connection.outbox.isBlocked) target.continueReplays();
        return;
      }
      const retained = replay.next(context.nowMs);
      if (retained !== undefined && !target.sendRetained(connection, retained.message, replay.subscription)) return;
      if ((retained === undefined || step % STEPS_A_LOOK === 0) && context.clockMs() >= endAtMs) {
        target.continueReplays();
        return;
      }
    }
  }

  /** The one that is due to go on, until it is cancelled; undefined where there is none, and then for good. */
  #next(): Replay | undefined {
    this.#current ??= this.#inOrder.next().value;
    return this.#current;
  }
}
