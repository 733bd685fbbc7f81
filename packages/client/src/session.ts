/**
 * The client's side of a session: what is published, subscribed to and received, from connection to connection.
 *
 * Synchronous: packets in, packets and settled operations out. What the server may not send throws; the owner of the
 * connection then closes it.
 */

import { type Packet, protocolError } from '@dunlin/protocol';
import type { Established } from './attempt.ts';
import type { ClientEvents, ClientStats } from './client-api.ts';
import type { MqttError } from './errors.ts';
import type { Listeners } from './events.ts';
import { Link } from './link.ts';
import { onDemand } from './on-demand.ts';
import type { Settle } from './operation.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { packetIdentifiers } from './packet-identifiers.ts';
import { checkProblemInformation } from './problem-information.ts';
import { Receiving } from './receiving.ts';
import { type Request, Requests } from './requests.ts';
import { Routes } from './routes.ts';
import type { Settings } from './settings.ts';

const keeperPart = onDemand(() => import('./outbox-keeper.ts'));

/** One session. */
export class Session {
  readonly routes = new Routes();
  readonly outbox: Outbox;
  readonly requests: Requests;
  /** Undefined while there is no connection. */
  link: Link | undefined;
  authenticating: Established['authenticating'] | undefined;
  readonly stats: ClientStats;
  readonly #settings: Settings;
  readonly #listeners: Listeners<ClientEvents>;
  readonly #receiving: Receiving;
  /** Those who wait until nothing is open. */
  readonly #draining = new Set<Settle<void>>();

  constructor(settings: Settings, stats: ClientStats, listeners: Listeners<ClientEvents>) {
    const publishes = new Map<number, Outgoing>();
    const asked = new Map<number, Request>();
    const nextPacketId = packetIdentifiers(publishes, asked);
    const settled = (): void => {
      if (this.#draining.size > 0) this.#checkDrained();
    };
    this.stats = stats;
    this.#listeners = listeners;
    this.#settings = settings;
    this.outbox = new Outbox(settings, publishes, nextPacketId, { stats, listeners, settled });
    this.requests = new Requests(asked, nextPacketId, settings.outbox.messagesMax, settled);
    this.#receiving = new Receiving(settings.connect.properties, (message, delivery) => {
      stats.received += 1;
      listeners.emit('message', message);
      this.routes.deliver(message, delivery);
    });
  }

  /**
   * Opens the store of the outbox, where there is one; settles with the Client Identifier that goes with it: see
   * `openOutbox`.
   */
  async open(clientId: string, signal: AbortSignal, failed: (error: MqttError) => void): Promise<string> {
    if (this.#settings.outbox.store === undefined) return clientId;
    const { openOutbox } = await keeperPart();
    return openOutbox(this.outbox, this.#settings, clientId, signal, failed);
  }

  /** A server accepted a connection. `isResumed`: it goes on with this session, or `isDoubtful`, with a new one. */
  begin({ connection, connack, authenticating }: Established, isResumed: boolean, isDoubtful: boolean): void {
    const { connect, topicAliases } = this.#settings;
    const link = new Link(connection, connack, connect.protocolVersion, topicAliases);
    this.link = link;
    this.authenticating = authenticating;
    this.#receiving.begin(link, isResumed);
    // Where nobody says whether the server has them, as MQTT 3.1 does not: subscribing once more does no harm.
    this.requests.begin(link, connack.sessionPresent && !isDoubtful ? [] : this.#resubscribing());
    // What was sent may have ended the connection: a listener saw it, or it was too much for the server.
    if (this.link !== link) return;
    this.outbox.begin(link, isResumed);
  }

  /** The connection is over: what is open waits for the next, but what belongs to it alone fails. */
  pause(error: MqttError): void {
    this.link = undefined;
    this.authenticating?.end(error);
    this.outbox.pause();
    this.requests.pause();
    this.#receiving.pause();
  }

  /** Settles when all is settled and has left this process; the function returned gives it up. */
  drain(settle: Settle<void>): () => void {
    this.#draining.add(settle);
    this.#checkDrained();
    return () => this.#draining.delete(settle);
  }

  /**
   * All is over: every open operation fails with `error`, iterators end with `streamError` or in order. Settles when the
   * store is let go.
   */
  async end(error: MqttError, streamError: MqttError | undefined): Promise<void> {
    const { keeper } = this.outbox;
    this.outbox.end(error);
    this.requests.end(error);
    for (const subscription of this.routes.all()) this.routes.end(subscription, streamError);
    for (const settle of this.#draining) settle.reject(error);
    this.#draining.clear();
    await keeper?.close();
  }

  /** Handles a packet behind CONNACK. Throws for one that may not come. */
  receive(packet: Packet): void {
    checkProblemInformation(this.#settings.connect, packet);
    switch (packet.type) {
      case 'publish':
        this.#receiving.publish(packet);
        break;
      case 'puback':
        this.outbox.puback(packet);
        break;
      case 'pubrec':
        this.outbox.pubrec(packet);
        break;
      case 'pubrel':
        this.#receiving.pubrel(packet);
        break;
      case 'pubcomp':
        this.outbox.pubcomp(packet);
        break;
      case 'suback':
      case 'unsuback':
        this.requests.answered(packet);
        break;
      case 'pingresp':
        break;
      case 'auth':
        if (this.authenticating === undefined) {
          throw protocolError('Cannot accept AUTH: CONNECT had no Authentication Method [MQTT-4.12.0-6]');
        }
        this.authenticating.received(packet);
        break;
      default:
        throw protocolError(`Cannot accept ${packet.type.toUpperCase()} on an open connection`);
    }
  }

  /** `hasLeft`: so had all that was sent; what was published meanwhile may still wait. */
  #checkDrained(hasLeft = false): void {
    if (this.outbox.size + this.requests.size > 0) return;
    if (this.link !== undefined && !hasLeft) {
      const check = (): void => this.#checkDrained(true);
      this.link.left().then(check, check);
      return;
    }
    for (const settle of this.#draining) settle.resolve();
    this.#draining.clear();
  }

  /** Every live subscription, for a server that has forgotten them. */
  #resubscribing(): Request[] {
    return this.routes.groups().map(({ identifier, properties, requests, subscriptions }) => ({
      type: 'subscribe',
      filters: requests.map(({ filter }) => filter),
      subscriptions: requests,
      properties,
      identifier,
      settle: {
        resolve: (answer) => {
          for (const subscription of subscriptions) {
            subscription.results = subscription.results.map(
              (result) => answer.results.find(({ filter }) => filter === result.filter) ?? result,
            );
          }
          this.#listeners.emit('subscribed', answer);
        },
        reject: (error) => {
          for (const subscription of subscriptions) this.routes.end(subscription, error);
        },
      },
    }));
  }
}
