/**
 * A replay: retained messages on their way to a new subscription.
 *
 * It is a cursor, not queue entries: it goes on as the window and the outbox allow and reads the value of each topic
 * when it comes to it. A value stored after the replay began went to the subscription live, so the replay passes over
 * it; thus nothing older ever follows something newer. Where the connection ends the replay of a stored session waits
 * for the next one, and then makes good what came at QoS 0 in between.
 */
import type { QoS } from '@dunlin/protocol';
import type { Retained } from './retained.ts';
import type { Subscription } from './subscription.ts';
import type { TopicCursor } from './topic-tree.ts';

/** Nodes a replay looks at before it looks at the clock. */
const NODES_PER_STEP = 256;

export class Replay {
  /** Whose options the messages are sent with. */
  subscription: Subscription;
  readonly #cursor: TopicCursor<Retained>;
  readonly #sequence: number;
  /** Spans of sequence numbers in which the client was not there. */
  #missed: { readonly after: number; upTo: number; readonly qos: QoS }[] | undefined = undefined;

  /** `sequence`: `RetainedMessages.sequence` at the subscription. */
  constructor(subscription: Subscription, cursor: TopicCursor<Retained>, sequence: number) {
    this.subscription = subscription;
    this.#cursor = cursor;
    this.#sequence = sequence;
  }

  /** The client is not there from here on: what comes at QoS 0 does not reach it. */
  pause(sequence: number): void {
    this.#missed ??= [];
    this.#missed.push({ after: sequence, upTo: Number.POSITIVE_INFINITY, qos: this.subscription.qos });
  }

  /** The client is there again. */
  goOn(sequence: number): void {
    const last = this.#missed?.at(-1);
    if (last !== undefined) last.upTo = Math.min(last.upTo, sequence);
  }

  get isDone(): boolean {
    return this.#cursor.isDone;
  }

  /** The next message that is due to the subscription; undefined after a bounded search without one. */
  next(nowMs: number): Retained | undefined {
    const retained = this.#cursor.next(NODES_PER_STEP);
    if (retained === undefined || retained.message.isExpired(nowMs)) return undefined;
    return retained.sequence <= this.#sequence || this.#isMissed(retained) ? retained : undefined;
  }

  /** What came at QoS 1 or 2 while the client was not there waits in its queue. */
  #isMissed({ sequence, message }: Retained): boolean {
    const { noLocal, session } = this.subscription;
    if (this.#missed === undefined || (noLocal && message.publisher === session.clientId)) return false;
    return this.#missed.some(
      ({ after, upTo, qos }) => sequence > after && sequence <= upTo && Math.min(message.qos, qos) === 0,
    );
  }
}
