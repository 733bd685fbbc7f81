/** What the session has while it is connected: the connection, what the server takes, the Topic Aliases. */

import type { ClientPacket, ConnackPacket, Properties, ProtocolVersion, QoS } from '@dunlin/protocol';
import type { Connection, PublishResult } from './connection.ts';
import { MqttError } from './errors.ts';
import { checkPublish, limitsOf, type ServerLimits } from './server-limits.ts';
import { TopicAliases } from './topic-aliases.ts';

/** A message to publish. The payload must stay as it is until the publish has settled. */
export interface PublishRequest {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: QoS;
  readonly retain: boolean;
  readonly properties: Properties;
}

/** What parts of a message take, about as in a packet: text, bytes, integers, and arrays of these. */
export function bytesOf(parts: unknown): number {
  if (Array.isArray(parts)) return parts.reduce((sum, part) => sum + bytesOf(part), 0);
  return (parts as { readonly length?: number } | undefined)?.length ?? 4;
}

/** A topic shorter than this is no longer than what stands for it. */
const ALIAS_FROM = 4;

/** One accepted connection. */
export class Link {
  readonly limits: ServerLimits;
  readonly version: ProtocolVersion;
  readonly #connection: Connection;
  readonly #aliases: TopicAliases;
  readonly #isAliasing: boolean;

  constructor(connection: Connection, connack: ConnackPacket, version: ProtocolVersion, topicAliases: boolean) {
    this.#connection = connection;
    this.version = version;
    this.limits = limitsOf(connack);
    this.#isAliasing = topicAliases && this.limits.topicAliasMaximum > 0;
    this.#aliases = new TopicAliases(this.limits.topicAliasMaximum);
    connection.maximumPacketSize = this.limits.maximumPacketSize;
  }

  /** False while the wire keeps what was written: messages wait in the outbox. */
  get isWritable(): boolean {
    return this.#connection.isWritable;
  }

  send(packet: ClientPacket): void {
    this.#connection.send(packet);
  }

  /** See `Connection.left`. */
  left(): Promise<PublishResult> {
    return this.#connection.left();
  }

  /** The topic, also where the application gave an alias alone. Throws 'invalid' for one that stands for nothing. */
  topicOf({ topic, properties: { topicAlias } }: PublishRequest): string {
    const known = topic === '' && topicAlias !== undefined ? this.#aliases.topicOf(topicAlias) : topic;
    if (known !== undefined) return known;
    throw new MqttError('invalid', `Cannot publish: Topic Alias ${topicAlias} stands for no topic yet (3.3.2.3.4)`);
  }

  /** Sends PUBLISH. Throws what the server's limits forbid and what cannot be written; then nothing was sent. */
  publish(request: PublishRequest, packetId: number, dup: boolean): void {
    const { topic, payload, qos, retain, properties } = request;
    checkPublish(this.limits, this.version, request);
    if (topic === '') this.topicOf(request);
    const packet = { type: 'publish' as const, dup, qos, retain, packetId, topic, payload, properties };
    let { topicAlias } = properties;
    if (topicAlias === undefined && this.#isAliasing && topic.length >= ALIAS_FROM) {
      const known = this.#aliases.aliasOf(topic);
      topicAlias = known ?? this.#aliases.free();
      if (known !== undefined) packet.topic = '';
      if (topicAlias !== undefined) packet.properties = { ...properties, topicAlias };
    }
    this.#connection.send(packet);
    if (topicAlias !== undefined && packet.topic !== '') this.#aliases.set(topicAlias, topic);
  }
}
