/** Incoming publishes: Topic Aliases, one delivery at QoS 2, acknowledgements in the order of arrival (sections 4.3, 4.6). */

import {
  NO_PROPERTIES,
  type Properties,
  MqttError as ProtocolError,
  type PublishAckPacket,
  type PublishPacket,
  protocolError,
} from '@dunlin/protocol';
import { Delivery } from './delivery.ts';
import type { Link } from './link.ts';
import { ReceivedMessage } from './received-message.ts';

/** Takes a message; `delivery` is undefined at QoS 0. */
export type Deliver = (message: ReceivedMessage, delivery: Delivery | undefined) => void;

const REFUSED = 0x80;
const IDENTIFIER_NOT_FOUND = 0x92;

/**
 * Keeps the incoming messages of one session.
 *
 * Acknowledgements go out in the order in which the messages came [MQTT-4.6.0-2, 4.6.0-3]: one that is given early
 * waits for those before it. They end with their connection, since the server sends again what has none; only a QoS 2
 * message is not delivered again, so its PUBREC is owed to the repeat.
 */
export class Receiving {
  readonly #deliver: Deliver;
  readonly #receiveMaximum: number;
  readonly #topicAliasMaximum: number;
  /**
   * Open QoS 2 flows by Packet Identifier: the acknowledgement whose PUBREC has not been sent, undefined behind PUBREC.
   * They outlive a connection.
   */
  readonly flows = new Map<number, Delivery | undefined>();
  #link: Link | undefined;
  /** The topics that Topic Aliases stand for on this connection. */
  #topics: string[] = [];
  /** In the order of the packets on this connection; each counts for the Receive Maximum. */
  #owed = new Set<Delivery>();
  /** So do QoS 2 flows whose PUBREC was sent here: those of former connections do not (section 4.9). */
  #openHere = new Set<number>();

  constructor({ receiveMaximum = 65_535, topicAliasMaximum = 0 }: Properties, deliver: Deliver) {
    this.#receiveMaximum = receiveMaximum;
    this.#topicAliasMaximum = topicAliasMaximum;
    this.#deliver = deliver;
  }

  /** A connection begins. Aliases and owed acknowledgements end with a connection, QoS 2 flows only with the session. */
  begin(link: Link, isResumed: boolean): void {
    this.#link = link;
    this.#topics = [];
    // In a new session nothing is repeated, and what the old one held is gone at the server too.
    for (const delivery of [...this.#owed, ...this.flows.values()]) {
      if (delivery && (delivery.qos === 1 || !isResumed)) delivery.isStale = true;
    }
    this.#owed = new Set();
    this.#openHere = new Set();
    if (!isResumed) this.flows.clear();
  }

  /** The connection is over. */
  pause(): void {
    this.#link = undefined;
  }

  /** Throws what a server may not do: an alias that stands for nothing (0x82, 0x94), too many open messages (0x93). */
  publish(packet: PublishPacket): void {
    const topic = packet.properties.topicAlias === undefined ? packet.topic : this.#topicOf(packet);
    const { qos, packetId } = packet;
    if (qos === 0) {
      this.#deliver(new ReceivedMessage(packet, topic), undefined);
      return;
    }
    if (qos === 2 && this.flows.has(packetId)) {
      this.#repeated(packetId);
      return;
    }
    const delivery = this.#owe(packetId, qos);
    this.#deliver(new ReceivedMessage(packet, topic, delivery), delivery);
    delivery.release();
  }

  /** Ends a QoS 2 flow [MQTT-4.3.3-11]. */
  pubrel({ packetId }: PublishAckPacket): void {
    const reasonCode = this.#endFlow(packetId) ? 0 : IDENTIFIER_NOT_FOUND;
    this.#send('pubcomp', packetId, reasonCode);
  }

  #topicOf({ topic, properties: { topicAlias = 0 } }: PublishPacket): string {
    const maximum = this.#topicAliasMaximum;
    if (topicAlias > maximum) {
      const found = `Cannot use Topic Alias ${topicAlias}: the Topic Alias Maximum is ${maximum} [MQTT-3.3.2-8]`;
      throw new ProtocolError('topic-alias-invalid', 0x94, found);
    }
    if (topic !== '') this.#topics[topicAlias] = topic;
    const known = this.#topics[topicAlias];
    if (known !== undefined) return known;
    throw protocolError(`Cannot take a message: Topic Alias ${topicAlias} stands for no topic yet (3.3.2.3.4)`);
  }

  /**
   * A repeat whose PUBREC has not been sent yet gets that one, in its place; every other one gets its own
   * [MQTT-4.3.3-10], behind those that are owed for what came before it [MQTT-4.6.0-3].
   */
  #repeated(packetId: number): void {
    const held = this.flows.get(packetId);
    const delivery = this.#owe(packetId, 2, held);
    if (held === undefined) delivery.release();
    else this.#sendGiven();
  }

  /** Owes an acknowledgement, also where PUBREL comes before it. Throws 0x93. */
  #owe(packetId: number, qos: 1 | 2, delivery = new Delivery(packetId, qos, () => this.#sendGiven())): Delivery {
    this.#openHere.delete(packetId);
    this.#owed.add(delivery);
    if (this.#owed.size + this.#openHere.size > this.#receiveMaximum) {
      const found = `more than ${this.#receiveMaximum} are open, the Receive Maximum (3.3.4)`;
      throw new ProtocolError('receive-maximum-exceeded', 0x93, `Cannot take a message: ${found}`);
    }
    if (qos === 2) this.flows.set(packetId, delivery);
    return delivery;
  }

  #sendGiven(): void {
    for (const owed of this.#owed) {
      if (!owed.isGiven) return;
      const { packetId, qos, reasonCode } = owed;
      this.#owed.delete(owed);
      if (this.flows.get(packetId) === owed) {
        this.flows.set(packetId, undefined);
        this.#openHere.add(packetId);
        // The identifier then means a new message [MQTT-4.3.3-9].
        if (reasonCode >= REFUSED) this.#endFlow(packetId);
      }
      this.#send(qos === 1 ? 'puback' : 'pubrec', packetId, reasonCode);
    }
  }

  /** Returns whether there was one. */
  #endFlow(packetId: number): boolean {
    this.#openHere.delete(packetId);
    return this.flows.delete(packetId);
  }

  #send(type: 'puback' | 'pubrec' | 'pubcomp', packetId: number, reasonCode: number): void {
    this.#link?.send({ type, packetId, reasonCode, properties: NO_PROPERTIES });
  }
}
