/**
 * PUBLISH packets to a client: whether it takes one of the size, its Topic Alias, and the wait behind a SUBACK.
 *
 * While a SUBACK waits for its commit, QoS 0 deliveries are kept here and follow it; the others wait in the queue.
 */
import { PACKET_BYTES_MAXIMUM, type TopicAliasSender } from '@dunlin/protocol';
import type { Connection } from './connection.ts';
import type { Message } from './message.ts';
import { publishLength } from './publish-writer.ts';
import type { Receipt } from './receipt.ts';
import type { Topic } from './topics.ts';

interface Held {
  readonly message: Message;
  readonly header: number;
  readonly identifiers: readonly number[];
  readonly receipt: Receipt | undefined;
}

/** QoS 0 deliveries behind SUBACKs that have not left, or behind CONNACK. */
export class HeldDeliveries {
  /** Answers that have not left. */
  answers = 0;
  bytes = 0;
  readonly #deliveries: Held[] = [];

  add(message: Message, header: number, identifiers: readonly number[]): void {
    this.bytes += message.heldBytes;
    this.#deliveries.push({ message: message.own(), header, identifiers, receipt: message.receipt });
  }

  /** The connection ends before they could be sent. */
  lose(): void {
    for (const { receipt } of this.#deliveries) receipt?.settle('lost');
  }

  /** In the order they came. */
  [Symbol.iterator](): Iterator<Held> {
    return this.#deliveries[Symbol.iterator]();
  }
}

/** From here on deliveries wait until `releaseDeliveries` was called as often as this. */
export function holdDeliveries(connection: Connection): void {
  connection.held ??= new HeldDeliveries();
  connection.held.answers += 1;
}

/** An answer has left: after the last of them what waited follows. */
export function releaseDeliveries(connection: Connection): void {
  const held = connection.held;
  if (held === undefined) return;
  held.answers -= 1;
  if (held.answers > 0) return;
  connection.held = undefined;
  for (const { message, header, identifiers, receipt } of held) {
    let isSent = false;
    if (message.isExpired(connection.broker.nowMs)) connection.broker.metrics.messagesExpired += 1;
    else isSent = sendPublish(connection, message, 0, header, identifiers, true);
    if (receipt === undefined) continue;
    if (isSent) connection.outbox.follow(receipt);
    else receipt.settle('lost');
  }
}

/**
 * Sends a PUBLISH, whose first byte is `header`. `mayAlias`: a Topic Alias may stand for the topic.
 * @returns false where the client takes no packet of the size: nothing was sent
 */
export function sendPublish(
  connection: Connection,
  message: Message,
  packetId: number,
  header: number,
  identifiers: readonly number[],
  mayAlias: boolean,
): boolean {
  const { broker, protocolVersion: version } = connection;
  const metrics = broker.metrics;
  let alias = 0;
  let remaining = 0;
  if (version === 5) {
    if (message.expiresAtMs !== undefined)
      remaining = Math.max(1, Math.floor((message.expiresAtMs - broker.nowMs) / 1000));
    if (!fitsAs(connection, message, packetId, identifiers, 0, remaining)) {
      metrics.messagesDroppedTooLarge += 1;
      return false;
    }
    // Chosen now, for a packet that surely leaves, and only where there is room for it.
    const aliases = mayAlias ? connection.aliasesOut : undefined;
    if (aliases !== undefined && fitsAs(connection, message, packetId, identifiers, -1, remaining))
      alias = aliasFor(connection, aliases, message.topic);
  }
  if (!connection.isDirty) broker.touch(connection);
  broker.publishWriter.write(connection.outbox, message, version, header, packetId, identifiers, alias, remaining);
  metrics.packetsSent += 1;
  metrics.messagesSent += 1;
  metrics.publishBytesSent += message.payloadEnd - message.payloadStart;
  return true;
}

function aliasFor(connection: Connection, aliases: TopicAliasSender, topic: Topic): number {
  const alias = aliases.aliasFor(topic);
  if (alias === 0) connection.broker.metrics.topicAliasesExhausted += 1;
  return alias;
}

/** Whether the message keeps within the client's Maximum Packet Size, at any QoS. */
export function fits(connection: Connection, message: Message, identifiers: readonly number[]): boolean {
  if (connection.protocolVersion !== 5) return true;
  return fitsAs(connection, message, 1, identifiers, 0, message.expiresAtMs === undefined ? 0 : 1);
}

function fitsAs(
  connection: Connection,
  message: Message,
  packetId: number,
  identifiers: readonly number[],
  alias: number,
  remaining: number,
): boolean {
  const maximum = connection.maximumPacketSize;
  if (maximum === PACKET_BYTES_MAXIMUM) return true;
  return publishLength(message, 5, packetId, identifiers, alias, remaining) <= maximum;
}
