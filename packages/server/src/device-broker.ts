/** What the device service needs of the broker that devices connect to, on the broker of this server. */
import { type Broker, type DeliveryOutcome, Receipt } from '@dunlin/broker';
import type { DeviceBroker, TakeByService } from '@dunlin/devices';
import { assertTopicFilter, assertTopicName, type QoS, quoted, reasonCodeName } from '@dunlin/protocol';

export interface LocalDeviceBrokerOptions {
  readonly broker: Broker;
  /** Has methods asked again about everybody who is connected, soon; calls close together are one. */
  readonly review: () => void;
}

/** Retained messages that are cleared at a time, and topics that are looked at for one of them. */
const CLEARED_AT_ONCE = 100;
const LOOKS_PER_STEP = 1_000;

/** A publication that is not durable yet. */
interface Unsettled {
  readonly settle: () => void;
  readonly fail: (error: Error) => void;
}

export class LocalDeviceBroker implements DeviceBroker {
  readonly #broker: Broker;
  readonly #unsettled = new Set<Unsettled>();
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

  /** Rejects where the filter is none, and as `publish` does. */
  async clearRetained(filter: string): Promise<void> {
    assertTopicFilter(filter);
    const walk = this.#broker.retained.walk(filter);
    while (!walk.isDone) {
      if (this.#failure !== undefined) throw this.#failure;
      // What is on its way into the store is found when it is there; and whoever else has something to do comes in between.
      await this.#durable();
      const topics: string[] = [];
      for (let n = 0; n < CLEARED_AT_ONCE && !walk.isDone; n++) {
        const found = walk.next(LOOKS_PER_STEP);
        if (found === undefined) break;
        topics.push(found.message.topic.name);
      }
      walk.pause();
      await Promise.all(topics.map((topic) => this.publish(topic, new Uint8Array(), { retain: true })));
    }
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

  /** Whatever the rules say: they are for clients. @throws MqttError where the filter is none */
  subscribe(filter: string, take: TakeByService): () => void {
    return this.#broker.subscribeInternally(filter, take);
  }

  disconnect(clientId: string): boolean {
    return this.#broker.disconnectClient(clientId);
  }

  endSession(clientId: string, isMeant: (identity: string | undefined) => boolean): boolean {
    return this.#broker.endSession(clientId, isMeant);
  }

  /** Rejects where the broker stops, and where its store fails. */
  async endSessions(isMeant: (identity: string | undefined) => boolean): Promise<void> {
    await this.#broker.endSessions(isMeant);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#durable();
  }

  /** The broker has stopped: who waits for a publication learns that nothing comes of it. */
  stopped(): void {
    this.#fail(new Error('Cannot publish: the broker has stopped'));
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
