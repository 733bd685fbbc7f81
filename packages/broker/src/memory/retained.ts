/** Retained messages in memory: a tree of their topics, and a wheel of their deadlines. */
import { type Deadlined, DeadlineWheel } from '@dunlin/protocol';
import { type Message, retainedBytes } from '../message.ts';
import type { Retained, RetainedCursor, RetainedReader, RetainedSummary } from '../ports.ts';
import { TopicTree } from './topic-tree.ts';

class Slot implements Retained, Deadlined {
  readonly message: Message;
  readonly sequence: number;
  deadlineMs = 0;

  constructor({ message, sequence }: Retained) {
    this.message = message;
    this.sequence = sequence;
  }
}

export class MemoryRetained implements RetainedReader {
  readonly #tree = new TopicTree<Slot>();
  readonly #expiring = new DeadlineWheel<Slot>(1000, 512);
  /** Their deadline has passed, and nobody has deleted them yet. */
  readonly #expired = new Set<Slot>();
  #bytes = 0;
  #lastSequence = 0;

  get count(): number {
    return this.#tree.size;
  }
  get bytes(): number {
    return this.#bytes;
  }

  summary(): RetainedSummary {
    return { messages: this.#tree.size, bytes: this.#bytes, lastSequence: this.#lastSequence };
  }

  /** In place of the former one of its topic. */
  put(retained: Retained): void {
    const { message, sequence } = retained;
    const slot = new Slot(retained);
    this.#forget(this.#tree.set(message.topic.name, slot));
    this.#bytes += retainedBytes(message);
    this.#lastSequence = Math.max(this.#lastSequence, sequence);
    if (message.expiresAtMs !== undefined) this.#expiring.schedule(slot, message.expiresAtMs);
  }

  delete(topic: string): void {
    this.#forget(this.#tree.delete(topic));
  }

  get(topic: string): Retained | undefined {
    return this.#tree.get(topic);
  }

  cursor(filter: string): RetainedCursor {
    return this.#tree.cursor(filter);
  }

  expired(nowMs: number, limit: number): readonly string[] {
    this.#expiring.sweep(nowMs, (slot) => {
      this.#expired.add(slot);
      return 0;
    });
    const topics: string[] = [];
    for (const { message } of this.#expired) {
      if (topics.length >= limit) break;
      topics.push(message.topic.name);
    }
    return topics;
  }

  #forget(former: Slot | undefined): void {
    if (former === undefined) return;
    this.#bytes -= retainedBytes(former.message);
    if (former.message.expiresAtMs === undefined) return;
    this.#expiring.cancel(former);
    this.#expired.delete(former);
  }
}
