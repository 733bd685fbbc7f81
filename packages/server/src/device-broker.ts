/** What the device service needs of the broker that devices connect to, on the broker of this server. */
import { type Broker, type DeliveryOutcome, Receipt } from '@dunlin/broker';
import type { Client } from '@dunlin/client';
import type { DeviceBroker, ReceivedByService } from '@dunlin/devices';
import { assertTopicName, type QoS, quoted, reasonCodeName } from '@dunlin/protocol';
import { connectInternally } from './internal-client.ts';

export interface LocalDeviceBrokerOptions {
  readonly broker: Broker;
  /** Has methods asked again about everybody who is connected, soon; calls close together are one. */
  readonly review: () => void;
}

/** A publication that is not durable yet. */
interface Unsettled {
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

export class LocalDeviceBroker implements DeviceBroker {
  readonly #broker: Broker;
  readonly #unsettled = new Set<Unsettled>();
  #client: Promise<Client> | undefined;
  /** Why nothing can be published any more. */
  #failure: Error | undefined;
  readonly review: () => void;

  constructor({ broker, review }: LocalDeviceBrokerOptions) {
    this.#broker = broker;
    this.review = review;
    broker.onEvent((event) => {
      if (event.name === 'storeFailed') this.#fail(new Error(`Cannot keep what was published: ${event.error}`));
    });
  }

  /**
   * `payload` belongs to the broker from here on. Rejects where the topic is none, where the broker has no room for it, and
   * where its store fails.
   */
  async publish(topic: string, payload: Uint8Array, { retain }: { readonly retain: boolean }): Promise<void> {
    assertTopicName(topic);
    if (this.#failure !== undefined) throw this.#failure;
    const reasonCode = await this.#broker.publish(topic, payload, { qos: 1, retain });
    if (reasonCode >= 0x80)
      throw new Error(`Cannot publish to ${quoted(topic)}: the broker says ${reasonCodeName(reasonCode)}`);
    await this.#durable();
  }

  /**
   * `payload` belongs to the broker from here on. Where the session of the client outlives its connection the outcome waits
   * for the next one, which gets the message again, until it expires; what is no topic is refused.
   */
  async publishTo(
    clientId: string,
    topic: string,
    payload: Uint8Array,
    { qos, expiresInS }: { readonly qos: 0 | 1; readonly expiresInS: number },
  ): Promise<DeliveryOutcome> {
    if (this.#failure !== undefined) return 'not-subscribed';
    const receipt = new Receipt(clientId);
    const properties = { messageExpiryInterval: Math.ceil(expiresInS) };
    try {
      assertTopicName(topic);
      // Whatever comes of it the receipt tells.
      this.#broker.unattended(this.#broker.publish(topic, payload, { qos, properties, receipt }));
    } catch {
      return 'refused';
    }
    return await receipt.outcome;
  }

  subscribedQos(clientId: string, topic: string): QoS | undefined {
    return this.#broker.subscribedQos(clientId, topic);
  }

  /** New messages; those that were retained before are not. `take` must not throw. Rejects where the filter is none. */
  async subscribe(filter: string, take: (message: ReceivedByService) => void): Promise<() => void> {
    const client = await this.#connected();
    const options = { qos: 1, retainHandling: 2 } as const;
    const subscription = await client.subscribe(filter, options, ({ topic, payload }) => take({ topic, payload }));
    // Nobody waits for it: where the connection is over the subscription is as well.
    return () => void subscription.unsubscribe().catch(() => {});
  }

  disconnect(clientId: string): boolean {
    return this.#broker.disconnectClient(clientId);
  }

  endSession(clientId: string, isMeant: (identity: string | undefined) => boolean): boolean {
    return this.#broker.endSession(clientId, isMeant);
  }

  /** Hands over no more messages; publishing goes on, until `stopped`. */
  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.disconnect();
  }

  /** The broker has stopped: who waits for a publication learns that nothing comes of it. */
  stopped(): void {
    this.#fail(new Error('Cannot publish: the broker has stopped'));
  }

  #connected(): Promise<Client> {
    this.#client ??= connectInternally(this.#broker).catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  #durable(): Promise<void> {
    return new Promise((settle, fail) => {
      const unsettled = { settle, fail };
      this.#unsettled.add(unsettled);
      this.#broker.commits.wait({
        durable: () => {
          this.#unsettled.delete(unsettled);
          settle();
        },
      });
      this.#broker.beginTurn();
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { fail } of this.#unsettled) fail(error);
    this.#unsettled.clear();
  }
}
