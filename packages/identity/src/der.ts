/** Reads DER (X.690), the form of certificates and revocation lists: strictly, in place, and never past its bounds. */

/** Bytes that are not the DER that was expected: says what was found at which offset. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

/** Identifier octets of what X.509 is made of. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Identifier octet of a context-specific element, `[number]`. */
export function context(number: number, constructed = true): number {
  return (constructed ? 0xa0 : 0x80) | number;
}

/**
 * Goes along the elements of a stretch of bytes, which it does not copy: what it returns are views.
 *
 * Every method throws `DerError` where the next element is another one, overlong, or reaches past the stretch.
 */
export class DerReader {
  readonly #bytes: Buffer;
  #position: number;
  readonly #end: number;
  /** Where the content of the element that was read last begins and ends. */
  #contentStart = 0;
  #contentEnd = 0;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  get isDone(): boolean {
    return this.#position >= this.#end;
  }

  /** Identifier octet of the next element; -1 where there is none. */
  get tag(): number {
    return this.isDone ? -1 : this.#bytes[this.#position];
  }

  /** The content of the next element. */
  content(tag: number): Buffer {
    this.#advance(tag);
    return this.#bytes.subarray(this.#contentStart, this.#contentEnd);
  }

  /** The next element with its header. */
  element(tag: number = this.tag): Buffer {
    const start = this.#position;
    this.#advance(tag);
    return this.#bytes.subarray(start, this.#contentEnd);
  }

  /** The elements inside the next one. */
  enter(tag: number): DerReader {
    this.#advance(tag);
    return new DerReader(this.#bytes, this.#contentStart, this.#contentEnd);
  }

  /** The same where the next element has that tag, else undefined. */
  enterOptional(tag: number): DerReader | undefined {
    return this.tag === tag ? this.enter(tag) : undefined;
  }

  /** To be called where nothing more may follow. */
  finish(): void {
    if (!this.isDone) throw this.#error(`tag 0x${this.tag.toString(16)} where nothing more is expected`);
  }

  oid(): string {
    const bytes = this.content(TAG.oid);
    return oidText(bytes) ?? this.#fail('an object identifier that is not well formed');
  }

  /** DER knows no other true than 0xFF. */
  boolean(): boolean {
    const bytes = this.content(TAG.boolean);
    if (bytes.length !== 1 || (bytes[0] !== 0 && bytes[0] !== 0xff)) this.#fail('a BOOLEAN that is not well formed');
    return bytes[0] === 0xff;
  }

  /** Content octets of an INTEGER in its shortest form: two's complement, big-endian. */
  integer(): Buffer {
    const bytes = this.content(TAG.integer);
    const padded = bytes.length > 1 && ((bytes[0] === 0 && bytes[1] < 0x80) || (bytes[0] === 0xff && bytes[1] >= 0x80));
    if (bytes.length === 0 || padded) this.#fail('an INTEGER that is not in its shortest form');
    return bytes;
  }

  /** An INTEGER from 0 to 2^31 - 1. */
  smallInteger(): number {
    const bytes = this.integer();
    if (bytes.length > 4 || bytes[0] >= 0x80) this.#fail('an INTEGER outside 0 to 2147483647');
    return bytes.readUIntBE(0, bytes.length);
  }

  /** Content of a BIT STRING of whole octets. */
  octetBits(): Buffer {
    const bytes = this.content(TAG.bitString);
    if (bytes.length < 1 || bytes[0] !== 0) this.#fail('a BIT STRING that is not of whole octets');
    return bytes.subarray(1);
  }

  /** UTCTime or GeneralizedTime as RFC 5280 allows them (section 4.1.2.5), in milliseconds since 1970. */
  time(): number {
    const general = this.tag === TAG.generalizedTime;
    const text = this.content(general ? TAG.generalizedTime : TAG.utcTime).toString('latin1');
    const ms = timeMs(text, general);
    return ms ?? this.#fail('a time that is not in the form YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ');
  }

  #advance(tag: number): void {
    const bytes = this.#bytes;
    let at = this.#position;
    if (at >= this.#end) throw this.#error(`the end where tag 0x${tag.toString(16)} is expected`);
    if (bytes[at] !== tag || (tag & 0x1f) === 0x1f)
      throw this.#error(`tag 0x${bytes[at].toString(16)} where 0x${tag.toString(16)} is expected`);
    at += 1;
    if (at >= this.#end) throw this.#error('an element without a length');
    let length = bytes[at];
    at += 1;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets < 1 || octets > 4 || at + octets > this.#end) throw this.#error('a length that is not in DER');
      length = bytes.readUIntBE(at, octets);
      if (length < 0x80 || bytes[at] === 0) throw this.#error('a length that is not in its shortest form');
      at += octets;
    }
    if (length > this.#end - at) throw this.#error(`a length of ${length} where ${this.#end - at} bytes are left`);
    this.#contentStart = at;
    this.#contentEnd = at + length;
    this.#position = this.#contentEnd;
  }

  #error(found: string): DerError {
    return new DerError(`found ${found}, at offset ${this.#position}`);
  }

  #fail(found: string): never {
    throw new DerError(`found ${found}, before offset ${this.#position}`);
  }
}

/** Arcs in decimal; undefined where it is not well formed or holds an arc of more than 35 bits. */
function oidText(bytes: Buffer): string | undefined {
  if (bytes.length === 0 || bytes.length > 32 || bytes[bytes.length - 1] >= 0x80) return undefined;
  const arcs: number[] = [];
  let arc = 0;
  let octets = 0;
  for (const byte of bytes) {
    if (octets === 0 && byte === 0x80) return undefined;
    octets += 1;
    if (octets > 5) return undefined;
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) {
      const first = Math.min(Math.floor(arc / 40), 2);
      arcs.push(first, arc - first * 40);
    } else arcs.push(arc);
    arc = 0;
    octets = 0;
  }
  return arcs.join('.');
}

function timeMs(text: string, general: boolean): number | undefined {
  if (!(general ? /^\d{14}Z$/ : /^\d{12}Z$/).test(text)) return undefined;
  // RFC 5280: two digits of the year from 50 on are of the twentieth century.
  const full = general ? text : `${Number(text.slice(0, 2)) >= 50 ? '19' : '20'}${text}`;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)!;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(iso);
  // Date takes 30 February for 1 March.
  return Number.isNaN(ms) || new Date(ms).toISOString() !== iso ? undefined : ms;
}
