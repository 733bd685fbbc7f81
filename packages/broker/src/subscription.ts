/** A Subscription: one filter of one session with its options, or what several of them come to for one topic. */
import { type QoS, topicLevels } from '@dunlin/protocol';
import type { SubscriptionRecord } from './ports.ts';
import type { Session } from './session.ts';

export const NO_IDENTIFIERS: readonly number[] = [];

const SUBSCRIPTION_BYTES = 200;
const NODE_BYTES = 100;
const NO_LOCAL = 0x04;
const RETAIN_AS_PUBLISHED = 0x08;

export class Subscription {
  readonly session: Session;
  /** As the client wrote it, with `$share/<group>/` where it is shared. */
  readonly filter: string;
  /** The Subscription Options byte (section 3.8.3.1). */
  readonly options: number;
  /** Subscription Identifiers that go with a delivery. */
  readonly identifiers: readonly number[];
  /** What the session gets of its own messages: this one, or without the No Local ones, or nothing [MQTT-3.8.3-3]. */
  readonly forOwn: Subscription | undefined;

  constructor(
    session: Session,
    filter: string,
    options: number,
    identifiers: readonly number[],
    forOwn?: Subscription | null,
  ) {
    this.session = session;
    this.filter = filter;
    this.options = options;
    this.identifiers = identifiers;
    this.forOwn = forOwn === undefined ? ((options & NO_LOCAL) === 0 ? this : undefined) : (forOwn ?? undefined);
  }

  get qos(): QoS {
    return (this.options & 3) as QoS;
  }
  get noLocal(): boolean {
    return (this.options & NO_LOCAL) !== 0;
  }
  get retainAsPublished(): boolean {
    return (this.options & RETAIN_AS_PUBLISHED) !== 0;
  }
  get retainHandling(): 0 | 1 | 2 {
    return (this.options >> 4) as 0 | 1 | 2;
  }
  get isShared(): boolean {
    return this.filter.startsWith('$share/');
  }
}

/** As the store keeps it. `replayUpTo`: of the replay that is due to it. */
export function recordOf(subscription: Subscription, replayUpTo: number | undefined): SubscriptionRecord {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, identifiers } = subscription;
  return { filter, qos, noLocal, retainAsPublished, retainHandling, identifier: identifiers[0] ?? 0, replayUpTo };
}

/** What a subscription takes in memory at the most: itself, its text and a node of the trie for each level. */
export function subscriptionBytes(filter: string): number {
  return SUBSCRIPTION_BYTES + 2 * filter.length + topicLevels(filter) * NODE_BYTES;
}

export function subscriptionOptions(
  qos: QoS,
  noLocal: boolean,
  retainAsPublished: boolean,
  retainHandling: 0 | 1 | 2,
): number {
  return qos | (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) | (retainHandling << 4);
}

/**
 * What overlapping subscriptions of one session come to: one copy at the highest QoS [MQTT-3.3.4-2] with all
 * identifiers [MQTT-3.3.4-4], RETAIN as published if any asks for it. No Local takes away only its own subscription.
 *
 * All at once, since a client may have thousands that match one topic. None of `all`, one at least, is merged already.
 */
export function merge(all: readonly Subscription[]): Subscription {
  const own = all.filter((one) => !one.noLocal);
  return together(all, own.length === all.length ? undefined : own.length === 0 ? null : together(own));
}

function together(all: readonly Subscription[], forOwn?: Subscription | null): Subscription {
  let qos = 0;
  let retainAsPublished = 0;
  const identifiers: number[] = [];
  for (const one of all) {
    qos = Math.max(qos, one.qos);
    retainAsPublished |= one.options & RETAIN_AS_PUBLISHED;
    for (const identifier of one.identifiers) identifiers.push(identifier);
  }
  return new Subscription(
    all[0].session,
    '',
    qos | retainAsPublished,
    identifiers.length === 0 ? NO_IDENTIFIERS : identifiers,
    forOwn,
  );
}
