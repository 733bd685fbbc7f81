/**
 * The table of known Topic Names, keyed by their bytes: a topic that was seen costs no string, no check and no match.
 *
 * Open hashing over the raw bytes of the packet. Only a miss decodes and checks UTF-8. The table is bounded in bytes;
 * what goes first is decided by second chance: a hand moves over the topics in the order they came, spares each that
 * was used since it last passed, and drops the others. A dropped topic lives on in the messages that name it.
 *
 * The seed of the hash makes it hard to choose names that share one, not impossible: some differences cancel out under
 * half of all seeds. Therefore a chain has a greatest length, and a name that finds its chain full gets a topic that is
 * not kept: costly for whoever made them, harmless for the others.
 */
import { checkTopicName, ReasonCode, readUtf8, topicLevels, utf8Length, writeUtf8 } from '@dunlin/protocol';
import type { Limits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Matches } from './router.ts';

/** What a table entry costs beside the bytes of its name: objects, string header, table slot. */
const ENTRY_BYTES = 320;
/** Names of one slot. The table has as many slots as names, so honest ones never come near it. */
const CHAIN_MAX = 32;
/** A topic that the table does not keep may still remember an answer of this size, for whoever publishes to it. */
const SMALL_MATCHES_BYTES = 256;
/** Places that the hand passes at least before those it emptied are given back. */
const HAND_MAX = 256;
/** One topic's answer takes no more than this part of the table. */
const MATCHES_SHARE = 8;

export class Topic {
  readonly name: string;
  /** Two length bytes and the name in UTF-8, as it stands in a PUBLISH. */
  readonly encoded: Buffer;
  readonly hash: number;
  /** Reason Code 0x90 where nobody may publish to it (too long, too deep, reserved), else 0. */
  readonly refusal: number;
  next: Topic | undefined = undefined;
  /** It is in the table. */
  isKept = false;
  /** What its answer adds to the bytes of the table. */
  matchesBytes = 0;
  /** Seen again since the hand last passed; not so for the first time, so that topics seen once are the first to go. */
  used = false;
  /** Who wants it, valid while both generations are those of the router; see `router.ts`. */
  matches: Matches | undefined = undefined;
  /** Names the generation of its first level. */
  readonly firstLevelHash: number;
  generationSeen = 0;
  wildGenerationSeen = -1;

  constructor(name: string, encoded: Buffer, hash: number, refusal: number) {
    this.name = name;
    this.refusal = refusal;
    this.encoded = encoded;
    this.hash = hash;
    this.firstLevelHash = firstLevelHash(name);
  }
}

/**
 * The topic of a message that a Store gives back: in no table, for its name was checked when it was stored.
 * `encoded`: as in `Topic`, where the Store has it; it is kept.
 */
export function storedTopic(name: string, encoded = encodedName(name)): Topic {
  return new Topic(name, encoded, 0, 0);
}

function encodedName(name: string): Buffer {
  const length = utf8Length(name);
  const encoded = Buffer.allocUnsafeSlow(length + 2);
  encoded.writeUInt16BE(length);
  writeUtf8(encoded, 2, name);
  return encoded;
}

export class TopicTable {
  readonly #limits: Limits;
  readonly #strictText: boolean;
  readonly #metrics: Metrics;
  readonly #seed: number;
  #buckets: (Topic | undefined)[] = new Array(1024).fill(undefined);
  #order: (Topic | undefined)[] = [];
  #hand = 0;
  #size = 0;
  #bytes = 0;

  /** `seed`: 32 bits that nobody can guess, so that nobody can choose topics which fall into one bucket. */
  constructor(limits: Limits, strictText: boolean, metrics: Metrics, seed = 0) {
    this.#limits = limits;
    this.#strictText = strictText;
    this.#metrics = metrics;
    this.#seed = seed;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Places in the order of eviction, empty ones included. */
  get places(): number {
    return this.#order.length;
  }

  /**
   * The topic whose name stands in `bytes[start..end)`.
   * @throws MqttError 0x81 for bad UTF-8 [MQTT-3.3.2-1], 0x90 for a wildcard [MQTT-3.3.2-2]
   */
  intern(bytes: Buffer, start: number, end: number): Topic {
    const hash = hashOf(bytes, start, end, this.#seed);
    const length = end - start;
    let passed = 0;
    for (let topic = this.#buckets[hash & (this.#buckets.length - 1)]; topic !== undefined; topic = topic.next) {
      if (topic.hash === hash && sameName(topic.encoded, bytes, start, length)) {
        topic.used = true;
        return topic;
      }
      passed += 1;
    }
    checkTopicName(bytes, start, end, this.#strictText);
    // Not from Node's pool: a kept topic would keep all that shares its 8 KiB.
    const encoded = Buffer.allocUnsafeSlow(length + 2);
    encoded[0] = length >>> 8;
    encoded[1] = length & 0xff;
    bytes.copy(encoded, 2, start, end);
    const name = readUtf8(bytes, start, end);
    const topic = new Topic(
      name,
      encoded,
      hash,
      isAllowed(name, length, this.#limits) ? 0 : ReasonCode.topicNameInvalid,
    );
    if (passed < CHAIN_MAX) this.#add(topic);
    return topic;
  }

  /** Whether a topic may keep who wants it, in so many bytes; makes room for it. Others may lose their place. */
  mayKeep(topic: Topic, bytes: number): boolean {
    if (!topic.isKept) return bytes <= SMALL_MATCHES_BYTES;
    const isKept = bytes <= this.#limits.topicCacheBytesMax / MATCHES_SHARE;
    const counted = isKept ? bytes : 0;
    this.#bytes += counted - topic.matchesBytes;
    topic.matchesBytes = counted;
    while (this.#bytes > this.#limits.topicCacheBytesMax && this.#size > 1) this.#evict();
    return isKept && (topic.isKept || bytes <= SMALL_MATCHES_BYTES);
  }

  /** The topic of a name that was checked elsewhere, such as a Will Topic. */
  named(name: string): Topic {
    const bytes = Buffer.allocUnsafe(utf8Length(name));
    return this.intern(bytes, 0, writeUtf8(bytes, 0, name));
  }

  #add(topic: Topic): void {
    if (this.#size >= this.#buckets.length) this.#grow();
    const slot = topic.hash & (this.#buckets.length - 1);
    topic.next = this.#buckets[slot];
    this.#buckets[slot] = topic;
    topic.isKept = true;
    this.#size += 1;
    this.#bytes += topic.encoded.length + ENTRY_BYTES;
    this.#order.push(topic);
    while (this.#bytes > this.#limits.topicCacheBytesMax && this.#size > 1) this.#evict();
  }

  #evict(): void {
    for (;;) {
      if (this.#hand >= HAND_MAX && this.#hand * 2 >= this.#order.length) this.#turnOver();
      if (this.#hand >= this.#order.length) this.#hand = 0;
      const topic = this.#order[this.#hand];
      if (topic !== undefined && !topic.used) {
        this.#order[this.#hand++] = undefined;
        this.#remove(topic);
        return;
      }
      if (topic !== undefined) topic.used = false;
      this.#hand += 1;
    }
  }

  /** What the hand has spared goes behind the rest; the places of what it dropped go. */
  #turnOver(): void {
    const passed = this.#order.splice(0, this.#hand);
    for (const topic of passed) if (topic !== undefined) this.#order.push(topic);
    this.#hand = 0;
  }

  #remove(topic: Topic): void {
    const slot = topic.hash & (this.#buckets.length - 1);
    if (this.#buckets[slot] === topic) this.#buckets[slot] = topic.next;
    else {
      let before = this.#buckets[slot] as Topic;
      while (before.next !== topic) before = before.next as Topic;
      before.next = topic.next;
    }
    topic.next = undefined;
    topic.matches = undefined;
    topic.isKept = false;
    this.#size -= 1;
    this.#bytes -= topic.encoded.length + ENTRY_BYTES + topic.matchesBytes;
    topic.matchesBytes = 0;
    this.#metrics.topicsEvicted += 1;
  }

  #grow(): void {
    const buckets: (Topic | undefined)[] = new Array(this.#buckets.length * 2).fill(undefined);
    for (let first of this.#buckets) {
      while (first !== undefined) {
        const rest: Topic | undefined = first.next;
        const slot = first.hash & (buckets.length - 1);
        first.next = buckets[slot];
        buckets[slot] = first;
        first = rest;
      }
    }
    this.#buckets = buckets;
  }
}

/** Four bytes a step; the multiplication spreads them, the shifts at the end bring the high bits down to the slot. */
export function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  // A seed that was only mixed in would leave most chosen collisions as they are.
  const multiplier = (seed ^ 0x9e3779b1) | 1;
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    hash = Math.imul(hash ^ word, multiplier);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Hash of a name's or filter's first level. */
export function firstLevelHash(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x2f) break;
    hash = Math.imul(hash ^ unit, 0x9e3779b1);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Whether `encoded` (with its two length bytes) names what stands at `start`. */
export function sameName(encoded: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (encoded.length !== length + 2) return false;
  // From the end: topics of one fleet share their beginnings.
  for (let i = length - 1; i >= 0; i--) if (encoded[i + 2] !== bytes[start + i]) return false;
  return true;
}

/** Names that belong to the server or to features of other servers: refused rather than half served. */
const RESERVED = /^\$(SYS|share|queue|exclusive|delayed|CONTROL|dunlin)(\/|$)/;

/** Whether a client may use a topic or filter of this name at all. */
export function isReserved(name: string): boolean {
  return name.startsWith('$') && RESERVED.test(name);
}

/** Whether the broker speaks of itself under this name or filter: true only while it runs, and never stored. */
export function isOfBroker(name: string): boolean {
  return name.startsWith('$SYS') && (name.length === 4 || name[4] === '/');
}

function isAllowed(name: string, bytes: number, limits: Limits): boolean {
  return bytes <= limits.topicBytesMax && topicLevels(name) <= limits.topicLevelsMax && !isReserved(name);
}
