/** A DeviceBroker in memory: clients that a test connects and subscribes, and whose messages end as it says. */
import { type QoS, topicMatches } from '@dunlin/protocol';
import type { DeliveryOutcome, DeviceBroker, TakeByService } from '../ports.ts';

/** A message that was sent to a client. */
export interface SentMessage {
  readonly clientId: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  readonly expiresInS: number;
  /** Says how it went, where `answers` does not. */
  readonly settle: (outcome: DeliveryOutcome) => void;
}

export interface PublishedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

export class MemoryBroker implements DeviceBroker {
  /** Filters and granted QoS of each client that is connected. */
  readonly clients = new Map<string, Map<string, QoS>>();
  /** Identities of sessions, as a test says. */
  readonly sessions = new Map<string, string>();
  /** How often all of them were looked at. */
  walks = 0;
  readonly sent: SentMessage[] = [];
  readonly published: PublishedMessage[] = [];
  readonly retained = new Map<string, string>();
  /** What is heard by the service, by filter. */
  readonly takers = new Set<{ readonly filter: string; readonly take: TakeByService }>();
  /** How a message to a subscribed client ends, at once; undefined: the test says so. By default as its QoS lets it. */
  answers: (message: SentMessage) => DeliveryOutcome | undefined = ({ qos }) =>
    qos === 0 ? 'written' : 'acknowledged';

  connect(clientId: string, subscriptions: Readonly<Record<string, QoS>> = {}): void {
    this.clients.set(clientId, new Map(Object.entries(subscriptions)));
  }

  subscribeClient(clientId: string, filter: string, qos: QoS): void {
    this.clients.get(clientId)?.set(filter, qos);
  }

  /** A client publishes at QoS 1. Settles when that is acknowledged; rejects where it is not. */
  async say(topic: string, payload: unknown): Promise<void> {
    const bytes = new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
    const taken = [...this.takers].flatMap(({ filter, take }) =>
      topicMatches(filter, topic) ? [take({ topic, payload: bytes })] : [],
    );
    // Views end with the call.
    bytes.fill(0);
    await Promise.all(taken);
  }

  async publish(topic: string, payload: Uint8Array, { retain }: { readonly retain: boolean }): Promise<void> {
    this.published.push({ topic, payload, retain });
    if (!retain) return;
    if (payload.length === 0) this.retained.delete(topic);
    else this.retained.set(topic, new TextDecoder().decode(payload));
  }

  async clearRetained(filter: string): Promise<void> {
    for (const topic of this.retained.keys()) if (topicMatches(filter, topic)) this.retained.delete(topic);
  }

  publishTo(
    clientId: string,
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly expiresInS: number },
  ): Promise<DeliveryOutcome> {
    const granted = this.subscribedQos(clientId, topic);
    if (granted === undefined) return Promise.resolve('not-subscribed');
    const { promise, resolve: settle } = Promise.withResolvers<DeliveryOutcome>();
    const message = { clientId, topic, payload, ...options, qos: Math.min(granted, options.qos) as 0 | 1, settle };
    this.sent.push(message);
    const outcome = this.answers(message);
    if (outcome !== undefined) settle(outcome);
    return promise;
  }

  subscribedQos(clientId: string, topic: string): QoS | undefined {
    const granted = [...(this.clients.get(clientId) ?? [])].flatMap(([filter, qos]) =>
      topicMatches(filter, topic) ? [qos] : [],
    );
    return granted.length === 0 ? undefined : (Math.max(...granted) as QoS);
  }

  subscribe(filter: string, take: TakeByService): () => void {
    const taker = { filter, take };
    this.takers.add(taker);
    return () => void this.takers.delete(taker);
  }

  disconnect(clientId: string): boolean {
    return this.clients.delete(clientId);
  }

  endSession(clientId: string, isMeant: (identity: string | undefined) => boolean): boolean {
    const identity = this.sessions.get(clientId);
    return identity !== undefined && isMeant(identity) && this.sessions.delete(clientId);
  }

  async endSessions(isMeant: (identity: string | undefined) => boolean): Promise<void> {
    this.walks += 1;
    for (const clientId of [...this.sessions.keys()]) this.endSession(clientId, isMeant);
  }

  review(): void {}
}
