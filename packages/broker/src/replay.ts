/**
 * A replay: retained messages on their way to a new subscription.
 *
 * It is a cursor, not queue entries: it goes on as the window and the outbox allow and reads the value of each topic
 * when it comes to it. A value stored after the replay began went to the subscription live, so the replay passes over
 * it; thus nothing older ever follows something newer. Where the connection ends the replay of a stored session waits
 * for the next one. What came in between and would have gone out at QoS 0 is made good by a further walk, for those alone.
 */
import type { QoS } from '@dunlin/protocol';
import type { Retained } from './ports.ts';
import type { RetainedWalk } from './retained-walk.ts';
import type { Subscription } from './subscription.ts';

/** Topics a replay looks at before it looks at the clock. */
const LOOKS_PER_STEP = 256;
/** Spans that are kept apart. */
const SPANS_MAX = 4;

/** Sequence numbers above `after`, up to `upTo`, in which the client was not there; with the QoS it had asked for. */
interface Span {
  readonly after: number;
  upTo: number;
  readonly qos: QoS;
}

export class Replay {
  readonly #begin: () => RetainedWalk;
  readonly #sequence: number;
  /** Whose options the messages are sent with. */
  #subscription: Subscription;
  #cursor: RetainedWalk;
  /** What the present walk is for; undefined in the first, which is for what there was at the subscription. */
  #spans: readonly Span[] | undefined = undefined;
  /** For the next walk. */
  #missed: Span[] | undefined = undefined;

  /** `begin` begins a walk; `sequence`: `RetainedMessages.sequence` at the subscription. */
  constructor(subscription: Subscription, begin: () => RetainedWalk, sequence: number) {
    this.#subscription = subscription;
    this.#begin = begin;
    this.#sequence = sequence;
    this.#cursor = begin();
  }

  get subscription(): Subscription {
    return this.#subscription;
  }

  /** What was retained up to this sequence is due. */
  get upTo(): number {
    return this.#sequence;
  }

  get isDone(): boolean {
    return this.#cursor.isDone && this.#missed === undefined;
  }

  /** False while something that it must find is on its way into the store. */
  get isReady(): boolean {
    return this.#cursor.isReady;
  }

  /** The client is not there from here on: what comes at QoS 0 does not reach it. */
  pause(sequence: number): void {
    this.#cursor.pause();
    this.#missed ??= [];
    const { qos } = this.#subscription;
    const last = this.#missed.at(-1);
    // Whoever comes and goes without an end gets once more what came while it was there, rather than a list without one.
    if (this.#missed.length >= SPANS_MAX && last !== undefined)
      this.#missed[this.#missed.length - 1] = {
        ...last,
        upTo: Number.POSITIVE_INFINITY,
        qos: Math.min(last.qos, qos) as QoS,
      };
    else this.#missed.push({ after: sequence, upTo: Number.POSITIVE_INFINITY, qos });
  }

  /** The client is there again. */
  goOn(sequence: number): void {
    const last = this.#missed?.at(-1);
    if (last === undefined) return;
    last.upTo = Math.min(last.upTo, sequence);
    if (last.upTo === last.after) this.#missed?.pop();
    if (this.#missed?.length === 0) this.#missed = undefined;
  }

  /** A subscription of the same filter has replaced the former one: the rest is sent with its options. */
  replace(subscription: Subscription, sequence: number): void {
    const isPaused = this.#missed?.at(-1)?.upTo === Number.POSITIVE_INFINITY;
    if (isPaused) this.goOn(sequence);
    this.#subscription = subscription;
    if (isPaused) this.pause(sequence);
  }

  /** The next message that is due to the subscription; undefined after a bounded search without one. */
  next(nowMs: number): Retained | undefined {
    if (this.#cursor.isDone && this.#missed !== undefined) this.#walkAgain();
    const retained = this.#cursor.next(LOOKS_PER_STEP);
    if (retained === undefined || retained.message.isExpired(nowMs)) return undefined;
    const isDue = this.#spans === undefined ? retained.sequence <= this.#sequence : this.#isMissed(retained);
    return isDue ? retained : undefined;
  }

  #walkAgain(): void {
    this.#spans = this.#missed;
    this.#missed = undefined;
    this.#cursor = this.#begin();
  }

  /** What came at QoS 1 or 2 while the client was not there waits in its queue. */
  #isMissed({ sequence, message }: Retained): boolean {
    const { noLocal, session } = this.#subscription;
    if (noLocal && message.publisher === session.clientId) return false;
    return (this.#spans ?? []).some(
      ({ after, upTo, qos }) => sequence > after && sequence <= upTo && Math.min(message.qos, qos) === 0,
    );
  }
}
