/** A message as the commands show it. */

import type { ReceivedMessage } from '@dunlin/client';

/** What is shown of a received message. */
export type ShownMessage = Pick<
  ReceivedMessage,
  'topic' | 'payload' | 'qos' | 'retain' | 'dup' | 'packetId' | 'properties'
>;

/** The same without Subscription Identifiers: those that the client chose by itself mean nothing to a user. */
export function withoutIdentifiers(message: ShownMessage): ShownMessage {
  const { topic, payload, qos, retain, dup, packetId } = message;
  const { subscriptionIdentifiers: _, ...properties } = message.properties;
  return { topic, payload, qos, retain, dup, packetId, properties };
}

/** The payload as UTF-8; bytes that are none become U+FFFD. */
export function payloadText({ payload }: ShownMessage): string {
  return lenient.decode(payload);
}

/** The payload as UTF-8; undefined where it is none. */
export function exactText({ payload }: ShownMessage): string | undefined {
  try {
    return strict.decode(payload);
  } catch {
    return undefined;
  }
}

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
