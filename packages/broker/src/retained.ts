/** Retained messages: the last one of each topic, and replays of them to new subscriptions (section 3.3.1.3). */
import { DeadlineWheel, topicLevels } from '@dunlin/protocol';
import type { Limits } from './limits.ts';
import type { Message } from './message.ts';
import { type TopicCursor, TopicTree } from './topic-tree.ts';

/** A level of the tree: node, name, place among its siblings. */
const NODE_BYTES = 96;

/** A retained message in its slot. */
export class Retained {
  readonly message: Message;
  /** Rises with every change, so that a replay knows what came after it began. */
  readonly sequence: number;
  deadlineMs = 0;

  constructor(message: Message, sequence: number) {
    this.message = message;
    this.sequence = sequence;
  }
}

export class RetainedMessages {
  readonly #limits: Limits;
  readonly #tree = new TopicTree<Retained>();
  readonly #expiring = new DeadlineWheel<Retained>(1000, 512);
  #sequence = 0;
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#tree.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** What a replay that begins now compares with `Retained.sequence`. */
  get sequence(): number {
    return this.#sequence;
  }

  get(topic: string): Message | undefined {
    return this.#tree.get(topic)?.message;
  }

  /** Whether the message fits the limits; in place of a former one that is not smaller it always does. */
  hasRoomFor(message: Message): boolean {
    const { retainedMessagesMax, retainedBytesMax } = this.#limits;
    const bytes = slotBytes(message);
    if (this.#tree.size < retainedMessagesMax && this.#bytes + bytes <= retainedBytesMax) return true;
    const former = this.get(message.topic.name);
    if (former === undefined) return false;
    const formerBytes = slotBytes(former);
    return bytes <= formerBytes || this.#bytes + bytes - formerBytes <= retainedBytesMax;
  }

  /** Replaces the message of a topic [MQTT-3.3.1-5]. The message must own its bytes. */
  set(message: Message): void {
    const retained = new Retained(message, ++this.#sequence);
    const former = this.#tree.set(message.topic.name, retained);
    if (former !== undefined) this.#forget(former);
    this.#bytes += slotBytes(message);
    if (message.expiresAtMs !== undefined) this.#expiring.schedule(retained, message.expiresAtMs);
  }

  /** Returns whether there was one. */
  delete(topic: string): boolean {
    const former = this.#tree.delete(topic);
    if (former === undefined) return false;
    this.#forget(former);
    return true;
  }

  /** False where no topic matches the filter for sure. */
  mayMatch(filter: string): boolean {
    return this.#tree.mayMatch(filter);
  }

  cursor(filter: string): TopicCursor<Retained> {
    return this.#tree.cursor(filter);
  }

  /** Drops what has expired and tells each topic. */
  sweep(nowMs: number, expired: (topic: string) => void): void {
    this.#expiring.sweep(nowMs, (retained) => {
      const topic = retained.message.topic.name;
      if (this.#tree.get(topic) !== retained) return 0;
      this.delete(topic);
      expired(topic);
      return 0;
    });
  }

  #forget(former: Retained): void {
    this.#bytes -= slotBytes(former.message);
    if (former.message.expiresAtMs !== undefined) this.#expiring.cancel(former);
  }
}

/** What a slot costs: the message, and a node of the tree for each level in the worst case. */
function slotBytes(message: Message): number {
  return message.heldBytes + topicLevels(message.topic.name) * NODE_BYTES;
}
