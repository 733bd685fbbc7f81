/** Retained messages that were read or written last, bounded in bytes. What is used goes to the end of the line. */
import type { Message } from './message.ts';
import type { Metrics } from './metrics.ts';
import type { Retained } from './ports.ts';

/** What a place costs beside its message: message and topic as objects, the name as a string, the place in the map. */
const PLACE_BYTES = 400;

export class RetainedCache {
  readonly #bytesMax: number;
  readonly #metrics: Metrics;
  readonly #byTopic = new Map<string, Retained>();
  /** Goes along behind what is gone: to begin anew would pass over all of that, each time. */
  #line = this.#byTopic.values();
  #bytes = 0;

  constructor(bytesMax: number, metrics: Metrics) {
    this.#bytesMax = bytesMax;
    this.#metrics = metrics;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(topic: string): Retained | undefined {
    const found = this.#byTopic.get(topic);
    if (found === undefined) return undefined;
    this.#byTopic.delete(topic);
    this.#byTopic.set(topic, found);
    return found;
  }

  /** The topic has no place yet. What is larger than all others together may be is not kept. */
  add(retained: Retained): void {
    const bytes = costOf(retained.message);
    if (bytes > this.#bytesMax) return;
    this.#bytes += bytes;
    this.#byTopic.set(retained.message.topic.name, retained);
    if (this.#bytes > this.#bytesMax) this.#evict();
  }

  delete(topic: string): void {
    const former = this.#byTopic.get(topic);
    if (former === undefined) return;
    this.#byTopic.delete(topic);
    this.#bytes -= costOf(former.message);
  }

  #evict(): void {
    while (this.#bytes > this.#bytesMax) {
      const first = this.#line.next();
      if (first.done === true) {
        // It has once come to the end, where nothing was left.
        this.#line = this.#byTopic.values();
        continue;
      }
      this.delete(first.value.message.topic.name);
      this.#metrics.retainedEvicted += 1;
    }
  }
}

function costOf(message: Message): number {
  return message.heldBytes + PLACE_BYTES;
}
