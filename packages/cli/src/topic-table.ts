/** What is known of each topic that messages came on, for the views with a line for each. */

import { RateWindow } from './rate-window.ts';
import type { ShownMessage } from './shown-message.ts';

/** Topics at most; messages on further ones are only counted. */
export const TOPICS_MAX = 10_000;
/** Bytes of a payload that are kept to be shown. */
const PAYLOAD_BYTES_KEPT = 1024;

/** One topic. */
export interface TopicEntry {
  readonly topic: string;
  /** The beginning of the latest payload. */
  payload: Uint8Array;
  /** Bytes of the latest payload as a whole. */
  payloadBytes: number;
  messages: number;
  /** Of all payloads. */
  bytes: number;
  /** When the latest came, milliseconds of a clock that never goes back. */
  lastMs: number;
  readonly rate: RateWindow;
}

/** The topics, sorted by name. */
export class TopicTable {
  readonly entries: TopicEntry[] = [];
  /** All messages, also those of no entry. */
  messages = 0;
  bytes = 0;
  /** Messages on topics beyond `TOPICS_MAX`. */
  beyond = 0;
  readonly #byTopic = new Map<string, TopicEntry>();
  readonly #topicsMax: number;

  constructor(topicsMax = TOPICS_MAX) {
    this.#topicsMax = topicsMax;
  }

  /** Takes a message that came now. */
  add({ topic, payload }: Pick<ShownMessage, 'topic' | 'payload'>, nowMs: number): void {
    this.messages += 1;
    this.bytes += payload.length;
    const entry = this.#byTopic.get(topic) ?? this.#newEntry(topic);
    if (entry === undefined) {
      this.beyond += 1;
      return;
    }
    entry.payload = payload.length > PAYLOAD_BYTES_KEPT ? payload.slice(0, PAYLOAD_BYTES_KEPT) : payload;
    entry.payloadBytes = payload.length;
    entry.messages += 1;
    entry.bytes += payload.length;
    entry.lastMs = nowMs;
    entry.rate.add(nowMs);
  }

  #newEntry(topic: string): TopicEntry | undefined {
    const { entries } = this;
    if (entries.length >= this.#topicsMax) return undefined;
    const entry: TopicEntry = {
      topic,
      payload: new Uint8Array(),
      payloadBytes: 0,
      messages: 0,
      bytes: 0,
      lastMs: 0,
      rate: new RateWindow(),
    };
    this.#byTopic.set(topic, entry);
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle].topic < topic) low = middle + 1;
      else high = middle;
    }
    entries.splice(low, 0, entry);
    return entry;
  }
}
