/**
 * The way of a Topic Filter through the keys of retained messages, which sort by level: what lies under a topic is one
 * range. So a key that does not match says which key may be the next to do so, and all between are passed over.
 *
 * Long topics share keys by their first bytes (`keys.ts`). They sort by those, so the way leads past no such key that
 * may hold a match, as long as no place on it is longer than what they share.
 */
import { keyAfterPrefix, Tag, TEXT_BYTES_MAX } from './keys.ts';

const PLUS = Symbol('+');
const HASH = Symbol('#');
type Level = Uint8Array | typeof PLUS | typeof HASH;

/** The tag, and as much of a topic as all keys sort by. */
const PLACE_BYTES_MAX = 1 + TEXT_BYTES_MAX;
const SEPARATOR = 0x00;
const AFTER_SEPARATOR = 0x01;
const DOLLAR = 0x24;

export class FilterPath {
  readonly #levels: readonly Level[];
  /** All matches lie at `start` or above, and below `end`. */
  readonly start: Buffer;
  readonly end: Buffer;

  constructor(filter: string) {
    this.#levels = filter.split('/').map((level) => (level === '+' ? PLUS : level === '#' ? HASH : Buffer.from(level)));
    const first = this.#levels.findIndex((level) => typeof level === 'symbol');
    const prefix = [Buffer.of(Tag.retained), this.#literals(0)];
    // What stands under a topic, and for "#" the topic itself.
    const isUnder = first > 0 && this.#levels[first] === PLUS;
    this.start = place(...prefix, Buffer.from(isUnder ? [SEPARATOR] : []));
    const end = first > 0 ? Buffer.concat([...prefix, Buffer.of(AFTER_SEPARATOR)]) : Buffer.concat(prefix);
    const isWithin = first > 0 && end.length <= PLACE_BYTES_MAX;
    this.end = isWithin ? end : keyAfterPrefix(end.subarray(0, PLACE_BYTES_MAX));
  }

  /**
   * Whether the topic in a key matches, which is whole: true, or the least place above it where one may; undefined where
   * there is none.
   */
  judge(key: Uint8Array): true | Buffer | undefined {
    let at = 1;
    let plusEnd = 0;
    for (let depth = 0; depth < this.#levels.length; depth++) {
      const level = this.#levels[depth];
      // A leading wildcard takes no name of the server's own [MQTT-4.7.2-1].
      if (depth === 0 && typeof level === 'symbol' && key[1] === DOLLAR) return Buffer.of(Tag.retained, DOLLAR + 1);
      // "a/#" takes "a" as well.
      if (level === HASH) return true;
      if (at > key.length) return place(key, Buffer.of(SEPARATOR), this.#literals(depth));
      const separator = key.indexOf(SEPARATOR, at);
      const end = separator < 0 ? key.length : separator;
      if (level === PLUS) plusEnd = end;
      else {
        const order = Buffer.compare(key.subarray(at, end), level);
        if (order < 0) return place(key.subarray(0, at), this.#literals(depth));
        if (order > 0) return afterPlus(key, plusEnd);
      }
      at = end + 1;
    }
    return at > key.length || afterPlus(key, plusEnd);
  }

  /** The levels from `depth` on up to the first wildcard, as they stand in keys. */
  #literals(depth: number): Buffer {
    const parts: Uint8Array[] = [];
    for (const level of this.#levels.slice(depth)) {
      if (typeof level === 'symbol') break;
      if (parts.length > 0) parts.push(Buffer.of(SEPARATOR));
      parts.push(level);
    }
    return Buffer.concat(parts);
  }
}

/** Where the next name stands at the last level that may have any; undefined where there is no such level. */
function afterPlus(key: Uint8Array, plusEnd: number): Buffer | undefined {
  return plusEnd === 0 ? undefined : place(key.subarray(0, plusEnd), Buffer.of(AFTER_SEPARATOR));
}

function place(...parts: readonly Uint8Array[]): Buffer {
  const whole = Buffer.concat(parts);
  return whole.length > PLACE_BYTES_MAX ? whole.subarray(0, PLACE_BYTES_MAX) : whole;
}
