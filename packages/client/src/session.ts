/**
 * The client's side of a session: what is published, subscribed to and received, from connection to connection.
 *
 * Synchronous: packets in, packets and settled operations out. What the server may not send throws; the owner of the
 * connection then closes it.
 */

import { type Packet, PacketIdentifiers, protocolError } from '@dunlin/protocol';
import type { Established } from './attempt.ts';
import { disconnectedBy, type MqttError } from './errors.ts';
import { Link } from './link.ts';
import { onDemand } from './on-demand.ts';
import { Outbox, type OutboxHost } from './outbox.ts';
import { checkProblemInformation } from './problem-information.ts';
import type { ReceivedMessage } from './received-message.ts';
import { Receiving } from './receiving.ts';
import { type Request, Requests } from './requests.ts';
import { Routes } from './routes.ts';
import type { Settings } from './settings.ts';

/** What the session tells its owner. */
export interface SessionHost extends OutboxHost {
  /** A message came; those that it belongs to get it next. */
  delivered(message: ReceivedMessage): void;
  /** The server said DISCONNECT. */
  ended(error: MqttError): void;
}

const keeperPart = onDemand(() => import('./outbox-keeper.ts'));

/** One session. */
export class Session {
  readonly routes = new Routes();
  readonly outbox: Outbox;
  readonly requests: Requests;
  /** Undefined while there is no connection. */
  link: Link | undefined;
  readonly #settings: Settings;
  readonly #host: SessionHost;
  readonly #receiving: Receiving;
  #authenticating: Established['authenticating'] | undefined;

  constructor(settings: Settings, host: SessionHost) {
    const identifiers = new PacketIdentifiers();
    this.#settings = settings;
    this.#host = host;
    this.outbox = new Outbox(settings, identifiers, host);
    this.requests = new Requests(identifiers, settings.outbox.messagesMax, () => host.settled());
    this.#receiving = new Receiving(settings.connect.properties, (message, delivery) => {
      host.delivered(message);
      this.routes.deliver(message, delivery);
    });
  }

  /**
   * Opens the store of the outbox, where there is one; settles with the Client Identifier that goes with it, `clientId`
   * unless the store has another. `failed` hears of what cannot be kept.
   */
  async open(clientId: string, signal: AbortSignal, failed: (error: MqttError) => void): Promise<string> {
    const { outbox, clientId: wanted } = this.#settings;
    const { store } = outbox;
    if (store === undefined) return clientId;
    const { openOutbox } = await keeperPart();
    if (signal.aborted) return clientId;
    const { keeper, records, clientId: kept } = await openOutbox(store, wanted, failed);
    if (signal.aborted) {
      await keeper.close();
      return clientId;
    }
    if (kept === undefined) keeper.own(clientId);
    this.outbox.keeper = keeper;
    this.outbox.restore(records);
    return kept ?? clientId;
  }

  /** A server accepted a connection. `isResumed`: it goes on with this session, or `isDoubtful`, with a new one. */
  begin({ connection, connack, authenticating }: Established, isResumed: boolean, isDoubtful: boolean): void {
    const { connect, topicAliases } = this.#settings;
    const link = new Link(connection, connack, connect.protocolVersion, topicAliases);
    this.link = link;
    this.#authenticating = authenticating;
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
    this.#authenticating?.end(error);
    this.outbox.pause();
    this.requests.pause();
    this.#receiving.pause();
  }

  /** All is over: every open operation fails with `error`, iterators end with `streamError` or in order. */
  end(error: MqttError, streamError: MqttError | undefined): void {
    this.outbox.end(error);
    this.requests.end(error);
    for (const subscription of this.routes.all()) {
      this.routes.remove(subscription);
      subscription.finish(streamError);
    }
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
      case 'disconnect':
        this.#host.ended(disconnectedBy(packet));
        break;
      case 'auth':
        if (this.#authenticating === undefined) {
          throw protocolError('Cannot accept AUTH: CONNECT had no Authentication Method [MQTT-4.12.0-6]');
        }
        this.#authenticating.received(packet);
        break;
      default:
        throw protocolError(`Cannot accept ${packet.type.toUpperCase()} on an open connection`);
    }
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
        resolve: () => {},
        reject: (error) => {
          for (const subscription of subscriptions) {
            this.routes.remove(subscription);
            subscription.finish(error);
          }
        },
      },
    }));
  }
}
