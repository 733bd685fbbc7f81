/** Takes messages with a session of its own that outlives everything, and writes down what came, in order. */
import type { Packet, QoS, SubscriptionRequest } from '@dunlin/protocol';
import { CrashClient, NEVER_EXPIRES } from './crash-client.ts';

/** A message as it came. */
export interface Arrival {
  readonly topic: string;
  readonly text: string;
  readonly qos: QoS;
  readonly dup: boolean;
  readonly retain: boolean;
}

export class Subscriber extends CrashClient {
  readonly arrivals: Arrival[] = [];
  readonly #filters: readonly string[];
  readonly #qos: QoS;
  /** QoS 2 identifiers whose PUBREL has not come. */
  readonly #received = new Set<number>();
  #isSubscribed = false;
  #subscribed: () => void = () => undefined;
  readonly whenSubscribed = new Promise<void>((resolve) => {
    this.#subscribed = resolve;
  });

  constructor(options: {
    port: number;
    clientId: string;
    filters: readonly string[];
    qos: QoS;
    sessionExpiryInterval?: number;
  }) {
    super({ sessionExpiryInterval: NEVER_EXPIRES, ...options });
    this.#filters = options.filters;
    this.#qos = options.qos;
  }

  protected override greeted(sessionPresent: boolean): void {
    if (sessionPresent && this.#isSubscribed) return;
    this.#received.clear();
    const subscriptions = this.#filters.map(
      (filter): SubscriptionRequest => ({
        filter,
        qos: this.#qos,
        noLocal: false,
        retainAsPublished: false,
        retainHandling: 0,
      }),
    );
    this.send({ type: 'subscribe', packetId: 1, properties: {}, subscriptions });
  }

  protected override handle(packet: Packet): void {
    switch (packet.type) {
      case 'suback':
        this.#isSubscribed = true;
        this.#subscribed();
        return;
      case 'publish': {
        const { topic, qos, dup, retain, packetId } = packet;
        const isRepeat = qos === 2 && this.#received.has(packetId);
        if (!isRepeat) this.arrivals.push({ topic, qos, dup, retain, text: Buffer.from(packet.payload).toString() });
        if (qos === 1) this.send({ type: 'puback', packetId, reasonCode: 0, properties: {} });
        if (qos !== 2) return;
        this.#received.add(packetId);
        this.send({ type: 'pubrec', packetId, reasonCode: 0, properties: {} });
        return;
      }
      case 'pubrel':
        this.#received.delete(packet.packetId);
        this.send({ type: 'pubcomp', packetId: packet.packetId, reasonCode: 0, properties: {} });
        return;
    }
  }
}
