/** A message that the client received, with its payload as bytes, text or JSON. */

import { isReasonCodeAllowed, type Properties, type PublishPacket, type QoS } from '@dunlin/protocol';
import type { Delivery } from './delivery.ts';
import { MqttError, shown, wrongArgument } from './errors.ts';

/** A received Application Message. It owns its bytes: they stay as they are for as long as it is kept. */
export class ReceivedMessage {
  /** The full Topic Name, also where a Topic Alias stood for it. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  /** True for a message that was stored before this subscription, or with Retain As Published as it was published. */
  readonly retain: boolean;
  readonly dup: boolean;
  /** 1 to 65535; 0 at QoS 0. */
  readonly packetId: number;
  /** As they came: also the Topic Alias and the Subscription Identifiers that the client uses by itself. */
  readonly properties: Properties;
  readonly #delivery: Delivery | undefined;

  /** Copies what is a view of the packet (`slice` would not: that of a Buffer is a view). */
  constructor(packet: PublishPacket, topic: string, delivery?: Delivery) {
    this.topic = topic;
    this.payload = new Uint8Array(packet.payload);
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.dup = packet.dup;
    this.packetId = packet.packetId;
    this.properties = ownProperties(packet.properties);
    this.#delivery = delivery;
  }

  /** The payload as UTF-8 text; bytes that are none become U+FFFD. */
  text(): string {
    return decoder.decode(this.payload);
  }

  /** The payload's JSON value. Throws 'invalid' where it is no JSON; the cause says where, and shows some of it. */
  json(): unknown {
    try {
      return JSON.parse(this.text());
    } catch (cause) {
      throw new MqttError('invalid', `Cannot read the message on "${shown(this.topic)}": expected JSON`, { cause });
    }
  }

  /**
   * Acknowledges a message of a subscription with `acknowledge: 'manual'`: PUBACK or PUBREC goes out when those before it
   * have gone [MQTT-4.6.0-2]. Once; nothing at QoS 0, and at QoS 1 nothing once the connection it came on is over.
   *
   * `reasonCode` (5.0): 0x00, or 0x80 and above where the message is not taken. Throws 'invalid' for one that cannot be.
   */
  acknowledge(reasonCode = 0): void {
    if (!isReasonCodeAllowed('puback', reasonCode, 'client')) {
      throw wrongArgument('Cannot acknowledge', 'reasonCode', reasonCode, 'one of PUBACK');
    }
    this.#delivery?.releaseByHand(reasonCode);
  }
}

/** Keeps a leading U+FEFF, which is a character of the payload as any other. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function ownProperties(properties: Properties): Properties {
  const { correlationData } = properties;
  return correlationData === undefined
    ? properties
    : { ...properties, correlationData: new Uint8Array(correlationData) };
}
