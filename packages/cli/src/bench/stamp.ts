/** What `dunlin bench` writes at the beginning of a payload, so that a receiver knows what is missing and how long it took. */

/** Payloads of at least so many bytes are stamped. */
export const STAMP_BYTES = 16;

/** A message that a run has published. */
export interface Stamp {
  /** Tells the messages of one run from those of another. */
  readonly run: number;
  /** Which publisher, from 0. */
  readonly publisher: number;
  /** Of this publisher, from 0. */
  readonly sequence: number;
  /** When it was published, by the clock of the process that did, microseconds. */
  readonly sentUs: number;
}

const MARK = 0xd17b;

/** The bounds of what a stamp can say. */
export const STAMP_MAX = { run: 0xffff, publisher: 0xff_ffff, sequence: 0xffff_ffff } as const;

/** Mark (2 bytes), run (2), publisher (3), sequence (4), microseconds (5), each with the highest byte first. */
export function writeStamp(payload: Buffer, { run, publisher, sequence, sentUs }: Stamp): void {
  payload.writeUInt16BE(MARK, 0);
  payload.writeUInt16BE(run, 2);
  payload.writeUIntBE(publisher, 4, 3);
  payload.writeUInt32BE(sequence, 7);
  payload.writeUIntBE(sentUs % 0x100_0000_0000, 11, 5);
}

/** Undefined where the payload is none of `dunlin bench`. */
export function readStamp(payload: Uint8Array): Stamp | undefined {
  if (payload.length < STAMP_BYTES) return undefined;
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, STAMP_BYTES);
  if (bytes.readUInt16BE(0) !== MARK) return undefined;
  return {
    run: bytes.readUInt16BE(2),
    publisher: bytes.readUIntBE(4, 3),
    sequence: bytes.readUInt32BE(7),
    sentUs: bytes.readUIntBE(11, 5),
  };
}
