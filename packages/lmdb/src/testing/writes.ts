/** Writes for tests. */
import { Message, type QueuedRecord, type SubscriptionRecord, storedTopic, type Write } from '@dunlin/broker';

export function message(topic: string, payload: string | Uint8Array = 'payload'): Message {
  return Message.of(storedTopic(topic), typeof payload === 'string' ? Buffer.from(payload) : payload, {
    qos: 1,
    retain: true,
    publisher: 'publisher',
  });
}

export function putSession(number: number, clientId = `client-${number}`): Write {
  return {
    op: 'putSession',
    session: {
      number,
      clientId,
      username: undefined,
      identity: undefined,
      sessionExpiryInterval: 60,
      expiresAtMs: Infinity,
      sentUpTo: 0,
    },
  };
}

export function subscription(filter: string, identifier = 0): SubscriptionRecord {
  const replayUpTo = identifier === 0 ? undefined : identifier;
  return { filter, qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 2, identifier, replayUpTo };
}

export function putSubscription(session: number, filter: string, identifier = 0): Write {
  return { op: 'putSubscription', session, subscription: subscription(filter, identifier) };
}

export function entry(position: number, queued: Message, qos: 1 | 2 = 1): QueuedRecord {
  return { position, message: queued, qos, retain: false, identifiers: [], share: undefined };
}

export function enqueue(session: number, position: number, queued: Message, qos: 1 | 2 = 1): Write {
  return { op: 'enqueue', session, entry: entry(position, queued, qos) };
}

export function dequeue(session: number, position: number, queued: Message, qos: 1 | 2 = 1): Write {
  return { op: 'dequeue', session, entry: entry(position, queued, qos) };
}

export async function everything<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
