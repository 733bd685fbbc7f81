/**
 * Subscribers inside the server: functions, not clients. What a client publishes at QoS 1 or 2 is acknowledged when each of
 * them that wants it says that it is done with it, so that an acknowledgement covers what the server itself makes of a
 * message, as it covers sessions and retained slots.
 *
 * One that is not done in time, or that has as many as it may have, leaves the message unacknowledged: its connection ends,
 * and the client sends it again.
 */
import { MqttError, ReasonCode } from '@dunlin/protocol';
import type { Broker } from './broker.ts';
import { LIMITS } from './limits.ts';
import type { Message } from './message.ts';
import type { Awaitable } from './ports.ts';

export interface InternalMessage {
  readonly topic: string;
  /** A view that is valid until the call returns: who keeps it copies it. */
  readonly payload: Uint8Array;
}

/** Returns, or resolves, when a crash can no longer undo what it makes of the message. Must not throw; may reject. */
export type TakeInternally = (message: InternalMessage) => Awaitable<void>;

export interface InternalSubscription {
  readonly filter: string;
  readonly take: TakeInternally;
}

/** A message that was handed over, and that its subscriber is not done with. */
interface Handover {
  /** Steady clock. */
  readonly beganAtMs: number;
  readonly publisher: string;
  readonly giveUp: (error: MqttError) => void;
}

export class InternalSubscribers {
  readonly #broker: Broker;
  /** Oldest first. */
  readonly #underWay = new Set<Handover>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Messages that somebody is not done with. */
  get underWay(): number {
    return this.#underWay.size;
  }

  /**
   * Hands the message to who wants it. Returns where they are done at once, else resolves when they are. Rejects where one of
   * them failed, or was refused the message or given up (MqttError 0x89); at QoS 0, where nobody waits for it, that is told.
   */
  handOver(message: Message, subscriptions: readonly InternalSubscription[]): Awaitable<true> {
    const waits: Promise<void>[] = [];
    for (const { take } of subscriptions) {
      const wait = this.#give(message, take);
      if (wait !== undefined) waits.push(wait);
    }
    if (waits.length === 0) return true;
    const done = Promise.all(waits).then((): true => true);
    if (message.qos > 0) return done;
    done.catch((error: unknown) => {
      if (!(error instanceof MqttError)) this.#broker.internalError(error);
    });
    return true;
  }

  /** Gives up what takes longer than it may. */
  sweep(steadyMs: number): void {
    const { internalDeliveryTimeoutMs } = this.#broker.limits;
    for (const handover of this.#underWay) {
      if (steadyMs - handover.beganAtMs < internalDeliveryTimeoutMs) return;
      this.#underWay.delete(handover);
      handover.giveUp(this.#refused('internalDeliveryTimeoutMs', handover.publisher));
    }
  }

  #give({ topic, payload, publisher }: Message, take: TakeInternally): Promise<void> | undefined {
    if (this.#underWay.size >= this.#broker.limits.internalDeliveriesMax)
      return Promise.reject(this.#refused('internalDeliveriesMax', publisher));
    const taken = take({ topic: topic.name, payload });
    if (!(taken instanceof Promise)) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const handover = { beganAtMs: this.#broker.steadyMs, publisher, giveUp: reject };
    this.#underWay.add(handover);
    taken.finally(() => this.#underWay.delete(handover)).then(resolve, reject);
    return promise;
  }

  #refused(limit: 'internalDeliveriesMax' | 'internalDeliveryTimeoutMs', publisher: string): MqttError {
    const { limits, metrics } = this.#broker;
    metrics.internalDeliveriesRefused += 1;
    this.#broker.limitReached(limit, publisher, `${this.#underWay.size} messages are under way in the server`);
    const allowed = `at most ${limits[limit]} ${LIMITS[limit].unit} (${limit}) are expected`;
    return new MqttError(
      'quota-exceeded',
      ReasonCode.serverBusy,
      `Cannot take the PUBLISH into the server: ${allowed}`,
    );
  }
}
