/** Damages bytes in the ways that parsers stumble over. */
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';

const TELLING_BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x23, 0x2b, 0x2f, 0x24, 0xc0, 0xe2, 0xed, 0xf4];
const TELLING_LENGTHS = [0, 1, 2, 3, 4, 127, 128, 255, 16_383, 16_384, 65_535];
/** Longer than any limit of the worlds it is used in. */
const REPEATED_BYTES_MAX = 3000;

/** Up to four damages, one after the other. Never returns `bytes` itself. */
export function mutate(random: SeededRandom, bytes: Buffer, others: readonly { readonly bytes: Buffer }[]): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  for (let count = random.between(1, 4); count > 0; count--) mutated = mutateOnce(random, mutated, others);
  return mutated;
}

function mutateOnce(random: SeededRandom, bytes: Buffer, others: readonly { readonly bytes: Buffer }[]): Buffer {
  const at = random.below(bytes.length + 1);
  switch (random.below(11)) {
    case 0:
      return changed(bytes, random.below(bytes.length), (byte) => byte ^ (1 << random.below(8)));
    case 1:
      return changed(bytes, random.below(bytes.length), () => random.pick(TELLING_BYTES));
    case 2:
      return changed(bytes, random.below(bytes.length), () => random.below(256));
    case 3:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.pick(TELLING_BYTES)]), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.between(1, 4))]);
    case 5:
      return bytes.subarray(0, at);
    case 6:
      return splice(random, bytes, at, random.pick(others).bytes);
    case 7:
      return withLength16(random, bytes);
    case 8:
      return repeated(random, bytes, at);
    case 9:
      return withRemainingLength(bytes);
    default:
      return changed(bytes, 0, (byte) =>
        random.chance(0.5) ? (byte & 0xf0) | random.below(16) : (random.below(16) << 4) | (byte & 0x0f),
      );
  }
}

function changed(bytes: Buffer, at: number, to: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = to(copy[at]);
  return copy;
}

/** A piece of another packet in the middle of this one. */
function splice(random: SeededRandom, bytes: Buffer, at: number, other: Buffer): Buffer {
  const from = random.below(other.length + 1);
  const piece = other.subarray(from, from + random.between(1, 12));
  return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(random.chance(0.5) ? at : at + piece.length)]);
}

/** Two bytes that may be the length of something now claim another one. */
function withLength16(random: SeededRandom, bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length < 4) return copy;
  copy.writeUInt16BE(
    random.chance(0.5) ? random.pick(TELLING_LENGTHS) : random.below(copy.length),
    random.between(2, copy.length - 2),
  );
  return copy;
}

/** A piece many times over: long lists, deep topics. */
function repeated(random: SeededRandom, bytes: Buffer, at: number): Buffer {
  const piece = bytes.subarray(at, at + random.between(1, 8));
  if (piece.length === 0) return bytes;
  const times = random.between(2, Math.max(2, Math.floor(random.below(REPEATED_BYTES_MAX) / piece.length)));
  return Buffer.concat([bytes.subarray(0, at), ...new Array<Buffer>(times).fill(piece), bytes.subarray(at)]);
}

/** The fixed header says again how long the packet is, so that what is inside gets looked at. */
export function withRemainingLength(bytes: Buffer): Buffer {
  if (bytes.length < 2) return bytes;
  let bodyStart = 1;
  while (bodyStart < bytes.length && bodyStart < 5 && bytes[bodyStart++] >= 0x80);
  const body = bytes.subarray(bodyStart);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return Buffer.concat([bytes.subarray(0, 1), Buffer.from(length), body]);
}
