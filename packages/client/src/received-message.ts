/** A message that the client received, with its payload as bytes, text or JSON. */

import type { Properties, PublishPacket, QoS } from '@dunlin/protocol';

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
  readonly properties: Properties;

  /** Copies what is a view of the packet (`slice` would not: that of a Buffer is a view). */
  constructor(packet: PublishPacket, topic: string) {
    this.topic = topic;
    this.payload = new Uint8Array(packet.payload);
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.dup = packet.dup;
    this.packetId = packet.packetId;
    this.properties = ownProperties(packet.properties);
  }

  /** The payload as UTF-8 text; bytes that are none become U+FFFD. */
  text(): string {
    return decoder.decode(this.payload);
  }

  /** The payload's JSON value. Throws a SyntaxError where it is no JSON. */
  json(): unknown {
    return JSON.parse(this.text());
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
