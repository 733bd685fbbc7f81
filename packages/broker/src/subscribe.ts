/** The path of a SUBSCRIBE and of an UNSUBSCRIBE, each filter by itself, one answer for all. */
import {
  assertTopicFilter,
  hasWildcard,
  MqttError,
  NO_PROPERTIES,
  parseSharedFilter,
  type QoS,
  ReasonCode,
  reasonCodeName,
  type SubscribePacket,
  type SubscriptionRequest,
  topicLevels,
  type UnsubscribePacket,
  utf8Length,
} from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import { holdDeliveries, releaseDeliveries } from './delivery.ts';
import { checkDeliveriesOf } from './delivery-checks.ts';
import type { LimitName } from './limits.ts';
import type { SubscriptionRecord } from './ports.ts';
import { Replay } from './replay.ts';
import { plainFilter } from './router.ts';
import type { Session } from './session.ts';
import { NO_IDENTIFIERS, recordOf, Subscription, subscriptionBytes, subscriptionOptions } from './subscription.ts';
import { isReserved } from './topics.ts';

interface FilterRefusal {
  readonly reasonCode: number;
  readonly reason: string;
}

export function receiveSubscribe(connection: Connection, packet: SubscribePacket): void {
  const broker = connection.broker;
  const session = connection.session as Session;

  // 1. Does it keep to what CONNACK said?
  const identifiers = packet.properties.subscriptionIdentifiers ?? NO_IDENTIFIERS;
  checkOffered(connection, packet, identifiers);

  // 2. Each filter: permitted, well formed, within the limits? Then it is subscribed to at once [MQTT-3.8.4-5].
  const replays: Replay[] = [];
  const before = broker.commits.written;
  const most = broker.limits.filtersPerPacketMax;
  const reasonCodes = packet.subscriptions.map((request, index) =>
    index < most ? subscribe(connection, session, request, identifiers, replays) : ReasonCode.quotaExceeded,
  );
  if (reasonCodes.length > most) tooManyFilters(broker, session, reasonCodes.length);
  // Behind a CONNECT whose CONNACK has not left nothing comes live yet.
  if (!connection.isGreeted) for (const replay of replays) replay.pause(broker.retained.sequence);
  session.addReplays(replays);

  // 3. SUBACK when the subscriptions are durable [MQTT-3.8.4-1]; what they bring, retained or not, follows it.
  const properties = reasonCodes.some((code) => code >= 0x80) ? { reasonString: reasonOf(reasonCodes) } : NO_PROPERTIES;
  const codes =
    connection.protocolVersion === 5
      ? reasonCodes
      : reasonCodes.map((code, index) => code311(connection, code, packet.subscriptions[index]));
  const ticket = broker.commits.written === before ? 0 : broker.commits.ticket;
  holdDeliveries(connection);
  connection.answer(
    connection.encode({ type: 'suback', packetId: packet.packetId, properties, reasonCodes: codes }),
    ticket,
    () => {
      releaseDeliveries(connection);
      session.pump();
    },
  );

  // 4. A store that answers at once does so now, for what is in line before it too.
  broker.commits.endOfTurn();
}

export function receiveUnsubscribe(connection: Connection, packet: UnsubscribePacket): void {
  const broker = connection.broker;
  const session = connection.session as Session;
  const before = broker.commits.written;
  const reasonCodes = packet.filters.map((filter) => unsubscribe(broker, session, filter));
  const ticket = broker.commits.written === before ? 0 : broker.commits.ticket;
  connection.answer(
    connection.encode({ type: 'unsuback', packetId: packet.packetId, properties: NO_PROPERTIES, reasonCodes }),
    ticket,
  );
}

/** Takes every subscription of a session out of the router, when it ends. */
export function forgetSubscriptions(broker: Broker, session: Session): void {
  for (const subscription of session.subscriptions?.values() ?? []) {
    broker.router.remove(subscription);
    broker.bus.unsubscribe(plainFilter(subscription.filter));
  }
  session.subscriptions = undefined;
  session.subscriptionBytes = 0;
  session.sharedSubscriptions = 0;
}

function tooManyFilters(broker: Broker, session: Session, filters: number): void {
  broker.metrics.subscriptionsRefused += filters - broker.limits.filtersPerPacketMax;
  broker.limitReached('filtersPerPacketMax', session.clientId, `${filters} filters in one SUBSCRIBE`);
}

/** Returns the granted QoS or the Reason Code of the refusal. */
function subscribe(
  connection: Connection,
  session: Session,
  request: SubscriptionRequest,
  identifiers: readonly number[],
  replays: Replay[],
): number {
  const broker = connection.broker;
  const filter = request.filter;
  const refusal = refusalOf(broker, session, request);
  if (refusal !== undefined) return refuse(broker, session, filter, refusal);
  const granted = session.permissions?.maySubscribe(plainFilter(filter), request.qos) ?? 2;
  if (granted >= 0x80)
    return refuse(broker, session, filter, { reasonCode: granted, reason: 'not authorized' }, request.qos);
  const qos = Math.min(request.qos, granted, broker.settings.maximumQoS) as QoS;
  // A bridge gets nothing back that it sent, and RETAIN as it was.
  const options = subscriptionOptions(
    qos,
    request.noLocal || connection.isBridge,
    request.retainAsPublished || connection.isBridge,
    request.retainHandling,
  );
  const subscription = new Subscription(session, filter, options, identifiers);
  const former = session.subscriptions?.get(filter);
  add(broker, subscription, former, replayFor(connection, subscription, former, replays));
  return qos;
}

/** Begins the replay that is due to a new subscription. Returns up to which sequence it, or the former one, goes. */
function replayFor(
  connection: Connection,
  subscription: Subscription,
  former: Subscription | undefined,
  replays: Replay[],
): number | undefined {
  const { retained } = connection.broker;
  const { filter, session, retainHandling } = subscription;
  const isAsked = !subscription.isShared && (retainHandling === 0 || (retainHandling === 1 && former === undefined));
  // Before CONNACK something may come that is not there yet.
  if (isAsked && (retained.mayMatch(filter) || !connection.isGreeted)) {
    replays.push(new Replay(subscription, () => retained.walk(filter), retained.sequence));
    return retained.sequence;
  }
  if (former === undefined) return undefined;
  session.replaceReplay(subscription);
  // It may be of this same packet.
  const begun = replays.find((one) => one.subscription === former);
  begun?.replace(subscription, retained.sequence);
  return begun?.upTo ?? session.replayUpTo(filter);
}

/** A subscription that the store has kept. */
export function restoreSubscription(broker: Broker, session: Session, record: SubscriptionRecord): void {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, identifier, replayUpTo } = record;
  const options = subscriptionOptions(qos, noLocal, retainAsPublished, retainHandling);
  const subscription = new Subscription(session, filter, options, identifier === 0 ? NO_IDENTIFIERS : [identifier]);
  enter(broker, subscription, undefined);
  if (replayUpTo === undefined) return;
  // How far it had come nobody knows: it begins anew, and what came at QoS 0 since is made good.
  const again = new Replay(subscription, () => broker.retained.walk(filter), replayUpTo);
  again.pause(replayUpTo);
  session.addReplays([again]);
}

/** Enters a subscription in session, router and bus, in place of the former one of its filter [MQTT-3.8.4-3]. */
function enter(broker: Broker, subscription: Subscription, former: Subscription | undefined): void {
  const { filter, session } = subscription;
  session.subscriptions ??= new Map();
  session.subscriptions.set(filter, subscription);
  if (former !== undefined) broker.router.remove(former);
  else {
    broker.bus.subscribe(plainFilter(filter));
    session.subscriptionBytes += subscriptionBytes(filter);
    if (subscription.isShared) session.sharedSubscriptions += 1;
  }
  broker.router.add(subscription);
}

/** Adds what a client asked for. */
function add(
  broker: Broker,
  subscription: Subscription,
  former: Subscription | undefined,
  replayUpTo: number | undefined,
): void {
  const { filter, session, qos } = subscription;
  enter(broker, subscription, former);
  checkDeliveriesOf(session, filter);
  broker.metrics.subscriptionsMade += 1;
  if (session.isStored) {
    const record = recordOf(subscription, replayUpTo);
    broker.commits.write({ op: 'putSubscription', session: session.number, subscription: record });
  }
  const { clientId, identity } = session;
  if (broker.hasListeners) broker.tell({ name: 'subscribed', clientId, identity, filter, qos });
}

/** `qos`: what was asked for, where permissions refuse it. */
function refuse(broker: Broker, session: Session, filter: string, refusal: FilterRefusal, qos?: QoS): number {
  const { clientId, permissions } = session;
  broker.metrics.subscriptionsRefused += 1;
  broker.denials.tell(
    { name: 'subscriptionRefused', clientId, filter, ...refusal, rule: undefined },
    permissions,
    qos === undefined ? undefined : { action: 'subscribe', name: plainFilter(filter), qos, retain: false },
  );
  return refusal.reasonCode;
}

/** Why a filter cannot be subscribed to, whoever asks; undefined where it can. */
function refusalOf(broker: Broker, session: Session, request: SubscriptionRequest): FilterRefusal | undefined {
  const { limits, settings } = broker;
  const filter = request.filter;
  let plain = filter;
  try {
    plain = parseSharedFilter(filter)?.filter ?? filter;
    assertTopicFilter(plain);
  } catch (error) {
    if (!(error instanceof MqttError)) throw error;
    return { reasonCode: ReasonCode.topicFilterInvalid, reason: error.message };
  }
  if (utf8Length(filter) > limits.topicBytesMax || topicLevels(plain) > limits.topicLevelsMax) {
    broker.metrics.topicsRefused += 1;
    return {
      reasonCode: ReasonCode.topicFilterInvalid,
      reason: `more than ${limits.topicLevelsMax} levels or ${limits.topicBytesMax} bytes`,
    };
  }
  // `$SYS` is there to be read; the other reserved names have nothing behind them.
  if (isReserved(plain) && !/^\$SYS(\/|$)/.test(plain))
    return { reasonCode: ReasonCode.topicFilterInvalid, reason: 'the name is reserved' };
  if (!settings.wildcardSubscriptionAvailable && hasWildcard(plain))
    return { reasonCode: ReasonCode.wildcardSubscriptionsNotSupported, reason: 'wildcards are turned off' };
  if (!settings.sharedSubscriptionAvailable && plain !== filter)
    return { reasonCode: ReasonCode.sharedSubscriptionsNotSupported, reason: 'shared subscriptions are turned off' };
  const limit = limitOnNew(broker, session, filter, plain !== filter);
  if (limit !== undefined) {
    broker.limitReached(limit, session.clientId, filter);
    return { reasonCode: ReasonCode.quotaExceeded, reason: `above ${limit} (${limits[limit]})` };
  }
  if (broker.storage.isLow && session.isStored && session.subscriptions?.has(filter) !== true) {
    broker.metrics.storeRefused += 1;
    return { reasonCode: ReasonCode.quotaExceeded, reason: 'no room in the store' };
  }
  return undefined;
}

/** The limit that a filter would exceed which the session does not have yet. */
function limitOnNew(broker: Broker, session: Session, filter: string, isShared: boolean): LimitName | undefined {
  const { limits, router } = broker;
  const { subscriptions, sharedSubscriptions } = session;
  if (subscriptions?.has(filter) === true) return undefined;
  if (subscriptions !== undefined && subscriptions.size >= limits.subscriptionsPerSessionMax)
    return 'subscriptionsPerSessionMax';
  if (isShared && sharedSubscriptions >= limits.sharedSubscriptionsPerSessionMax)
    return 'sharedSubscriptionsPerSessionMax';
  const bytes = subscriptionBytes(filter);
  if (session.subscriptionBytes + bytes > limits.subscriptionBytesPerSessionMax)
    return 'subscriptionBytesPerSessionMax';
  if (router.bytes + bytes > limits.subscriptionBytesMax) return 'subscriptionBytesMax';
  return undefined;
}

/** What makes the whole packet an error: 5.0 clients were told in CONNACK, so for them it is one (section 3.2.2.3). */
function checkOffered(connection: Connection, packet: SubscribePacket, identifiers: readonly number[]): void {
  const { settings } = connection.broker;
  if (connection.protocolVersion !== 5) return;
  if (identifiers.length > 0 && !settings.subscriptionIdentifierAvailable)
    throw notOffered(ReasonCode.subscriptionIdentifiersNotSupported, 'with a Subscription Identifier');
  for (const { filter, noLocal } of packet.subscriptions) {
    if (!settings.wildcardSubscriptionAvailable && hasWildcard(filter))
      throw notOffered(ReasonCode.wildcardSubscriptionsNotSupported, 'with a wildcard');
    if (!filter.startsWith('$share/')) continue;
    if (!settings.sharedSubscriptionAvailable)
      throw notOffered(ReasonCode.sharedSubscriptionsNotSupported, 'to a shared filter');
    if (noLocal)
      throw new MqttError(
        'protocol-error',
        ReasonCode.protocolError,
        'Cannot subscribe with No Local to a shared filter [MQTT-3.8.3-4]',
      );
  }
}

function notOffered(reasonCode: number, what: string): MqttError {
  return new MqttError(
    'protocol-error',
    reasonCode,
    `Cannot subscribe ${what}: CONNACK said that this is not available`,
  );
}

/** 3.1.1 knows only 0x80; 3.1 knows no failure: the subscription is granted in name and brings nothing. */
function code311(connection: Connection, code: number, request: SubscriptionRequest): number {
  if (code < 0x80) return code;
  return connection.protocolVersion === 3 ? request.qos : 0x80;
}

function reasonOf(reasonCodes: readonly number[]): string {
  const first = reasonCodes.findIndex((code) => code >= 0x80);
  return `filter ${first + 1}: ${reasonCodeName(reasonCodes[first], 'suback')}`;
}

function unsubscribe(broker: Broker, session: Session, filter: string): number {
  const subscription = session.subscriptions?.get(filter);
  if (subscription === undefined) return ReasonCode.noSubscriptionExisted;
  session.subscriptions?.delete(filter);
  session.subscriptionBytes -= subscriptionBytes(filter);
  if (subscription.isShared) session.sharedSubscriptions -= 1;
  broker.router.remove(subscription);
  broker.bus.unsubscribe(plainFilter(filter));
  session.cancelReplay(filter);
  if (session.isStored) broker.commits.write({ op: 'deleteSubscription', session: session.number, filter });
  const { clientId, identity } = session;
  broker.tell({ name: 'unsubscribed', clientId, identity, filter });
  return ReasonCode.success;
}
