/**
 * A Message: what was said. It knows no connection and no packet identifier.
 *
 * While the read chunk it came in is handled, its payload is a view into that chunk. Whoever keeps the message beyond
 * the turn calls `own()` first, which copies once for all keepers. Apart from that it never changes.
 */
import { encodeProperties, PROPERTIES, type Properties, type QoS, topicLevels } from '@dunlin/protocol';
import type { Receipt } from './receipt.ts';
import type { Topic } from './topics.ts';

export const NO_BYTES = Buffer.alloc(0);

/** What a level of a topic costs in a tree of topics: node, name, place among its siblings. */
const LEVEL_BYTES = 96;

export class Message {
  readonly topic: Topic;
  readonly qos: QoS;
  /** RETAIN as its publisher set it. */
  readonly retain: boolean;
  /** Client identifier of its publisher, for No Local and for audit; empty for the broker's own. */
  readonly publisher: string;
  /** Wall clock at which it expires; undefined for never. */
  readonly expiresAtMs: number | undefined;
  /** Properties to pass on, encoded without their length: all but expiry, alias and subscription identifiers. */
  readonly properties: Buffer;
  /** A note of the Store that keeps it, which nobody else reads or writes; 0 where no Store has seen it. */
  storeTag = 0;
  /** Who follows it to one client; until its delivery there begins. */
  receipt: Receipt | undefined = undefined;
  /** Deliveries that wait or are not finished and keep it in memory. */
  holders = 0;
  bytes: Buffer;
  payloadStart: number;
  payloadEnd: number;
  owned = false;
  /** A finished QoS 0 frame without RETAIN in `bytes`, valid for this protocol version (3 for both 3.x; 0 for none). */
  frameVersion: 0 | 3 | 5 = 0;
  frameStart = 0;
  frameEnd = 0;

  constructor(
    topic: Topic,
    qos: QoS,
    retain: boolean,
    publisher: string,
    bytes: Buffer,
    payloadStart: number,
    payloadEnd: number,
    properties: Buffer,
    expiresAtMs: number | undefined,
  ) {
    this.topic = topic;
    this.qos = qos;
    this.retain = retain;
    this.publisher = publisher;
    this.bytes = bytes;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
    this.properties = properties;
    this.expiresAtMs = expiresAtMs;
  }

  /** A message that owns `payload`: wills, `$SYS`, embedders. `payload` must not change afterwards. */
  static of(
    topic: Topic,
    payload: Uint8Array,
    options: { qos?: QoS; retain?: boolean; publisher?: string; properties?: Properties; nowMs?: number } = {},
  ): Message {
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const properties = options.properties ?? {};
    const expiry = properties.messageExpiryInterval;
    const message = new Message(
      topic,
      options.qos ?? 0,
      options.retain ?? false,
      options.publisher ?? '',
      bytes,
      0,
      bytes.length,
      forwardedProperties(properties),
      expiry === undefined ? undefined : (options.nowMs ?? 0) + expiry * 1000,
    );
    message.owned = true;
    return message;
  }

  get payloadLength(): number {
    return this.payloadEnd - this.payloadStart;
  }

  /** A view of the payload, valid as long as the message's bytes are. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.payloadEnd);
  }

  /** What it costs to keep: topic, payload and properties in bytes. */
  get heldBytes(): number {
    return this.payloadEnd - this.payloadStart + this.topic.encoded.length + this.properties.length + 64;
  }

  isExpired(nowMs: number): boolean {
    return this.expiresAtMs !== undefined && nowMs >= this.expiresAtMs;
  }

  /** Makes the message independent of the read chunk. Idempotent; returns itself. */
  own(): this {
    if (this.owned) return this;
    const length = this.payloadEnd - this.payloadStart;
    // Not from Node's pool: one byte that is kept would keep all that shares its 8 KiB.
    const bytes = length === 0 ? NO_BYTES : Buffer.allocUnsafeSlow(length);
    this.bytes.copy(bytes, 0, this.payloadStart, this.payloadEnd);
    this.bytes = bytes;
    this.payloadStart = 0;
    this.payloadEnd = length;
    this.frameVersion = 0;
    this.owned = true;
    return this;
  }
}

/** What a retained message counts against `retainedBytesMax`: what it holds, and for each level of its topic. */
export function retainedBytes(message: Message): number {
  return message.heldBytes + topicLevels(message.topic.name) * LEVEL_BYTES;
}

const NOT_FORWARDED = new Set(['messageExpiryInterval', 'topicAlias', 'subscriptionIdentifiers', 'willDelayInterval']);

/** The properties of a PUBLISH or will that go on to subscribers, encoded without their length. Owns its bytes. */
export function forwardedProperties(properties: Properties): Buffer {
  const kept: Properties = {};
  let any = false;
  for (const property of PROPERTIES) {
    const value = properties[property.key];
    if (value === undefined || NOT_FORWARDED.has(property.key)) continue;
    Object.assign(kept, { [property.key]: value });
    any = true;
  }
  if (!any) return NO_BYTES;
  const encoded = encodeProperties(kept, 'publish');
  let lengthBytes = 1;
  while (encoded[lengthBytes - 1] & 0x80) lengthBytes += 1;
  return Buffer.from(encoded.buffer, encoded.byteOffset + lengthBytes, encoded.length - lengthBytes);
}
