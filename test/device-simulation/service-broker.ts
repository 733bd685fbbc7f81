/** The broker of one process of the server: it knows the links of devices, delivers, retains, and ends with its process. */

import type { DeliveryOutcome, DeviceBroker, TakeByService } from '../../packages/devices/src/ports.ts';
import type { Connections } from '../../packages/devices/src/presence/connections.ts';
import { type QoS, topicMatches } from '../../packages/protocol/src/index.ts';
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { Device, Link } from './device.ts';
import type { World } from './world.ts';

export class ServiceBroker implements DeviceBroker {
  readonly connections: Connections;
  readonly #world: World;
  readonly #random: SeededRandom;
  readonly #links = new Map<string, { readonly link: Link; readonly device: Device }>();
  readonly #takers = new Set<{ readonly filter: string; readonly take: TakeByService }>();
  isOver = false;

  constructor(world: World, random: SeededRandom, connections: Connections) {
    this.#world = world;
    this.#random = random;
    this.connections = connections;
  }

  /** A device connects; false where there is nobody. A former connection of it ends, and that may be told late. */
  arrive(link: Link, device: Device): boolean {
    if (this.isOver) return false;
    const former = this.#links.get(device.id)?.link;
    const isToldLate = this.#random.chance(0.3);
    if (former !== undefined && !isToldLate) this.#close(former, 'taken over');
    link.isOpen = true;
    if (device.isPersistent) link.subscriptions.set(device.topic, this.#world.isCalm ? 1 : device.qos);
    this.#links.set(device.id, { link, device });
    this.connections.take({
      ...{ kind: 'connected', deviceId: device.id, clientId: device.id, connection: link.token },
      ...{ address: link.token, listener: 'tcp', protocolVersion: 4 },
    });
    if (former !== undefined && isToldLate) this.#close(former, 'taken over');
    device.opened(link);
    return true;
  }

  /** The server finds out that a connection has ended. */
  lost(link: Link): void {
    if (this.isOver || !link.isOpen) return;
    this.#close(link, 'lost');
  }

  subscribed({ deviceId }: Link): void {
    if (!this.isOver) this.connections.take({ kind: 'subscribed', deviceId, clientId: deviceId });
  }

  /** A device publishes at QoS 1; `confirmed` is called when it gets PUBACK. */
  say(topic: string, text: string, confirmed: () => void = () => {}): void {
    if (this.isOver) return;
    const payload = new TextEncoder().encode(text);
    const taken = [...this.#takers].flatMap(({ filter, take }) =>
      topicMatches(filter, topic) ? [take({ topic, payload })] : [],
    );
    void Promise.all(taken).then(() => {
      if (!this.isOver) confirmed();
    });
  }

  endSession(): boolean {
    return false;
  }

  /** There is no session without a connection. */
  async endSessions(): Promise<void> {}

  /** The process ends without a word. */
  crash(): void {
    this.isOver = true;
    for (const { link } of this.#links.values()) link.isOpen = false;
  }

  isConnected(deviceId: string): boolean {
    return this.#links.has(deviceId);
  }

  publish(topic: string, payload: Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#world.time.after(this.#random.wait(this.#world.character.commitMs + 1), () => {
      if (this.isOver) return;
      this.#world.oracle.published(topic, new TextDecoder().decode(payload));
      resolve();
    });
    return promise;
  }

  /** No device of this world is removed. */
  clearRetained(): Promise<void> {
    return Promise.resolve();
  }

  publishTo(
    clientId: string,
    topic: string,
    payload: Uint8Array,
    { qos }: { readonly qos: 0 | 1; readonly expiresInS: number },
  ): Promise<DeliveryOutcome> {
    const { time, character, oracle, isCalm } = this.#world;
    const { promise, resolve } = Promise.withResolvers<DeliveryOutcome>();
    if (this.isOver) return promise;
    const found = this.#links.get(clientId);
    const granted = this.subscribedQos(clientId, topic);
    const id: string = JSON.parse(new TextDecoder().decode(payload)).id;
    if (found === undefined || granted === undefined) return Promise.resolve('not-subscribed');
    const { link, device } = found;
    oracle.sends(id, link);
    if (!isCalm && this.#random.chance(character.refusals)) return Promise.resolve('refused');
    link.given.set(id, 'under way');
    oracle.onTheirWay.set(id, link);
    let isOver = false;
    const settle = (outcome: DeliveryOutcome) => {
      if (isOver || this.isOver) return;
      isOver = true;
      oracle.fared(id, link, outcome);
      if (outcome === 'lost') link.given.delete(id);
      else link.given.set(id, 'given');
      resolve(outcome);
    };
    const type = oracle.typeOf(id);
    const isQos1 = Math.min(qos, granted) === 1;
    time.after(character.latencyMs, () => {
      const confirm = () => {
        if (link.isOpen) settle('acknowledged');
      };
      if (link.isAlive) device.take(link, id, type, isQos1 ? confirm : undefined);
    });
    if (isQos1) link.ended.push(() => time.after(this.#random.between(0, 5), () => settle('lost')));
    else time.after(this.#random.between(0, 5), () => settle('written'));
    return promise;
  }

  subscribedQos(clientId: string, topic: string): QoS | undefined {
    const granted = [...(this.#links.get(clientId)?.link.subscriptions ?? [])].flatMap(([filter, qos]) =>
      topicMatches(filter, topic) ? [qos] : [],
    );
    return granted.length === 0 ? undefined : (Math.max(...granted) as QoS);
  }

  subscribe(filter: string, take: TakeByService): () => void {
    const taker = { filter, take };
    this.#takers.add(taker);
    return () => void this.#takers.delete(taker);
  }

  disconnect(): boolean {
    return false;
  }

  review(): void {}

  #close(link: Link, reason: string): void {
    link.isOpen = false;
    if (this.#links.get(link.deviceId)?.link === link) this.#links.delete(link.deviceId);
    for (const end of link.ended) end();
    const { deviceId, token: connection } = link;
    this.connections.take({ kind: 'disconnected', deviceId, clientId: deviceId, connection, reason });
  }
}
