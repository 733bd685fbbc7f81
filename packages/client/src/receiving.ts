/** Incoming publishes: Topic Aliases, one delivery at QoS 2, acknowledgements in the order of arrival (sections 4.3, 4.6). */

import {
  MqttError,
  NO_PROPERTIES,
  type PublishAckPacket,
  type PublishPacket,
  protocolError,
  ReceiverFlow,
  TopicAliasReceiver,
} from '@dunlin/protocol';
import { ReceivedMessage } from './received-message.ts';
import type { PacketSink } from './session.ts';

/**
 * A message handed to the application, and its acknowledgement.
 *
 * Acknowledgements go out in the order in which the messages came [MQTT-4.6.0-2, 4.6.0-3]: one that is given early
 * waits for those before it.
 */
export interface Delivery {
  readonly message: ReceivedMessage;
  /** The application has it: PUBACK or PUBREC may go out. Once; nothing at QoS 0 and after the connection is over. */
  acknowledge(): void;
}

/** An acknowledgement that is owed. */
interface Owed {
  readonly packetId: number;
  readonly type: 'puback' | 'pubrec';
  isGiven: boolean;
}

/** Keeps the incoming messages of one session. */
export class Receiving {
  readonly #sink: PacketSink;
  readonly #deliver: (delivery: Delivery) => void;
  readonly #receiveMaximum: number;
  readonly #topicAliasMaximum: number;
  /** Open QoS 2 flows; they outlive a connection. */
  readonly #flow: ReceiverFlow;
  #aliases: TopicAliasReceiver<string>;
  #owed: Owed[] = [];
  #pubacksOwed = 0;

  constructor(
    sink: PacketSink,
    maximum: { readonly receiveMaximum: number; readonly topicAliasMaximum: number },
    deliver: (delivery: Delivery) => void,
  ) {
    this.#sink = sink;
    this.#deliver = deliver;
    this.#receiveMaximum = maximum.receiveMaximum;
    this.#topicAliasMaximum = maximum.topicAliasMaximum;
    this.#flow = new ReceiverFlow();
    this.#aliases = new TopicAliasReceiver<string>(maximum.topicAliasMaximum);
  }

  /** A connection begins. Aliases and owed acknowledgements end with a connection, QoS 2 flows only with the session. */
  begin(isResumed: boolean): void {
    this.#aliases = new TopicAliasReceiver<string>(this.#topicAliasMaximum);
    this.#owed = [];
    this.#pubacksOwed = 0;
    if (!isResumed) this.#flow.clear();
  }

  /** Throws `MqttError` for an alias that stands for nothing (0x82, 0x94) and for too many open messages (0x93). */
  publish(packet: PublishPacket): void {
    const topic = this.#topicOf(packet);
    if (packet.qos === 0) {
      this.#deliver({ message: new ReceivedMessage(packet, topic), acknowledge: NOTHING });
      return;
    }
    if (packet.qos === 2 && this.#flow.receive(packet.packetId) === 'repeat') {
      this.#repeatPubrec(packet.packetId);
      return;
    }
    if (packet.qos === 1) this.#pubacksOwed += 1;
    this.#checkOpen();
    const owed: Owed = { packetId: packet.packetId, type: packet.qos === 1 ? 'puback' : 'pubrec', isGiven: false };
    this.#owed.push(owed);
    const acknowledge = (): void => {
      owed.isGiven = true;
      this.#settleOwed();
    };
    this.#deliver({ message: new ReceivedMessage(packet, topic), acknowledge });
  }

  /** Ends a QoS 2 flow [MQTT-4.3.3-11]. */
  pubrel({ packetId }: PublishAckPacket): void {
    const isKnown = this.#flow.release(packetId);
    const reasonCode = isKnown ? 0 : IDENTIFIER_NOT_FOUND;
    this.#sink.send({ type: 'pubcomp', packetId, reasonCode, properties: NO_PROPERTIES });
  }

  #topicOf({ topic, properties }: PublishPacket): string {
    const { topicAlias } = properties;
    if (topicAlias === undefined) return topic;
    if (topic !== '') {
      this.#aliases.set(topicAlias, topic);
      return topic;
    }
    const known = this.#aliases.get(topicAlias);
    if (known !== undefined) return known;
    throw protocolError(`Cannot take a message: nothing was sent with Topic Alias ${topicAlias} before (3.3.2.3.4)`);
  }

  /** A repeat whose PUBREC has not been given yet gets that one, later [MQTT-4.3.3-10]. */
  #repeatPubrec(packetId: number): void {
    if (this.#owed.some((owed) => owed.packetId === packetId && owed.type === 'pubrec')) return;
    this.#sink.send({ type: 'pubrec', packetId, reasonCode: 0, properties: NO_PROPERTIES });
  }

  #checkOpen(): void {
    if (this.#pubacksOwed + this.#flow.size <= this.#receiveMaximum) return;
    const message = `Cannot take a message: more than ${this.#receiveMaximum} are open, the Receive Maximum (3.3.4)`;
    throw new MqttError('receive-maximum-exceeded', 0x93, message);
  }

  #settleOwed(): void {
    while (this.#owed[0]?.isGiven) {
      const owed = this.#owed.shift() as Owed;
      if (owed.type === 'puback') this.#pubacksOwed -= 1;
      this.#sink.send({ type: owed.type, packetId: owed.packetId, reasonCode: 0, properties: NO_PROPERTIES });
    }
  }
}

const NOTHING = (): void => {};
const IDENTIFIER_NOT_FOUND = 0x92;
