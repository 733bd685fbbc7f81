/** The delivery of a message to the one client that its receipt follows it to; to all others it goes as any message. */
import { type QoS, topicMatches } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import type { Connection } from './connection.ts';
import { fits } from './delivery.ts';
import { isDenied } from './delivery-checks.ts';
import type { Message } from './message.ts';
import type { Awaitable } from './ports.ts';
import type { DeliveryOutcome, Receipt } from './receipt.ts';
import type { Session } from './session.ts';
import type { Subscription } from './subscription.ts';

/** Publishes a message, by `publish`, and sees to it that its receipt settles whatever becomes of it. */
export function publishFollowed(
  message: Message,
  receipt: Receipt,
  publish: () => Awaitable<number>,
): Awaitable<number> {
  receipt.begin(message.expiresAtMs);
  message.receipt = receipt;
  // Who has taken the message has taken the receipt from it.
  const settle = (outcome: DeliveryOutcome) => {
    message.receipt?.settle(outcome);
    message.receipt = undefined;
  };
  const told = (reasonCode: number): number => {
    settle(reasonCode >= 0x80 ? 'refused' : 'not-subscribed');
    return reasonCode;
  };
  const reasonCode = publish();
  if (typeof reasonCode === 'number') return told(reasonCode);
  return reasonCode.then(told, (error: unknown) => {
    settle('lost');
    throw error;
  });
}

/** Delivers the message to the client that it is followed to. Returns the subscriptions of all others. */
export function deliverFollowed(
  broker: Broker,
  message: Message,
  subscriptions: readonly Subscription[],
): readonly Subscription[] {
  const receipt = message.receipt as Receipt;
  const session = broker.sessionsById.get(receipt.clientId);
  const own = subscriptions.find((one) => one.session === session);
  const outcome = own === undefined ? 'not-subscribed' : deliver(broker, message, own, receipt);
  if (outcome !== undefined) receipt.settle(outcome);
  message.receipt = undefined;
  return own === undefined ? subscriptions : subscriptions.filter((one) => one !== own);
}

/** The highest QoS of the session's own subscriptions that bring it messages of the topic; undefined: none does. */
export function subscribedQos({ subscriptions, permissions }: Session, topic: string): QoS | undefined {
  let highest: QoS | undefined;
  for (const { filter, qos, isShared } of subscriptions?.values() ?? [])
    if (!isShared && (highest === undefined || qos > highest) && topicMatches(filter, topic)) highest = qos;
  return highest === undefined || permissions?.mayReceive(topic) === false ? undefined : highest;
}

/** Returns how it ended, where it did at once. */
function deliver(
  broker: Broker,
  message: Message,
  subscription: Subscription,
  receipt: Receipt,
): DeliveryOutcome | undefined {
  const { session } = subscription;
  const connection = session.owner;
  if (connection === undefined) return 'not-subscribed';
  if (session.checksDeliveries && isDenied(session, message, broker)) return 'not-subscribed';
  if (message.qos > 0 && subscription.qos > 0)
    return session.deliver(message, subscription, undefined) ? undefined : 'refused';
  return sendQoS0(connection, message, subscription, receipt);
}

/** Before CONNACK has left too: `held` keeps the message until then. */
function sendQoS0(
  connection: Connection,
  message: Message,
  { retainAsPublished, identifiers }: Subscription,
  receipt: Receipt,
): DeliveryOutcome | undefined {
  const isTaken = connection.sendQoS0(message, message.retain && retainAsPublished, identifiers);
  if (!isTaken) return 'refused';
  if (connection.held !== undefined) return undefined;
  if (!fits(connection, message, identifiers)) return 'lost';
  connection.outbox.follow(receipt);
  return undefined;
}
