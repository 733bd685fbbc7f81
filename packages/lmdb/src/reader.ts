/** Reads a stored value from front to end and goes nowhere beyond it. */

/** A value that cannot be what was written. Whoever knows its key adds it. */
export class DamagedValue extends Error {
  override readonly name = 'DamagedValue';
}

export class Reader {
  readonly bytes: Buffer;
  readonly #end: number;
  at = 0;

  /** `bytes` is read where it stands; `slice` and `rest` are views of it. */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.#end = bytes.length;
  }

  get end(): number {
    return this.#end;
  }

  /** The version byte in front of every value. */
  version(expected: number): void {
    const found = this.u8();
    if (found !== expected) throw new DamagedValue(`it begins with version ${found}, expected is ${expected}`);
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.at++];
  }

  u16(): number {
    this.#need(2);
    const value = (this.bytes[this.at] << 8) | this.bytes[this.at + 1];
    this.at += 2;
    return value;
  }

  u32(): number {
    this.#need(4);
    const value = this.bytes.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }

  /** 6 bytes. */
  number(): number {
    this.#need(6);
    const value = this.bytes.readUIntBE(this.at, 6);
    this.at += 6;
    return value;
  }

  double(): number {
    this.#need(8);
    const value = this.bytes.readDoubleBE(this.at);
    this.at += 8;
    if (Number.isNaN(value)) throw new DamagedValue(`what should be a number at byte ${this.at - 8} is none`);
    return value;
  }

  /** 1 to 5 bytes of 7 bits each, lowest first. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new DamagedValue(`a length at byte ${this.at - 5} does not end`);
  }

  /** A view of so many bytes. */
  slice(length: number): Buffer {
    this.#need(length);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  rest(): Buffer {
    return this.slice(this.#end - this.at);
  }

  text(length: number): string {
    this.#need(length);
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** Passes over these bytes where they come next, and says whether they do. */
  passes(bytes: Buffer): boolean {
    const { length } = bytes;
    if (this.#end - this.at < length) return false;
    for (let index = 0; index < length; index++) if (this.bytes[this.at + index] !== bytes[index]) return false;
    this.at += length;
    return true;
  }

  restText(): string {
    return this.text(this.#end - this.at);
  }

  /** Nothing may follow. */
  finish(): void {
    if (this.at !== this.#end) throw new DamagedValue(`${this.#end - this.at} bytes too many stand at its end`);
  }

  #need(bytes: number): void {
    if (this.#end - this.at < bytes)
      throw new DamagedValue(`it ends after ${this.#end} bytes, expected were at least ${this.at + bytes}`);
  }
}
