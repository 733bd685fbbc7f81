/**
 * The data file as a power cut may leave it: from LMDB's own writes, recorded with their flushes.
 *
 * What a flush has covered is there. Everything else may have reached the device or not, in any order, sector by sector
 * of 512 bytes: the least that a device writes as a whole. LMDB maps the file for reading alone, so there are no other
 * writes than these calls. The file is made as `data.mdb.new` and renamed; it may have the former name until the
 * directory is flushed.
 */
import type { SeededRandom } from '../simulation-harness/seeded-random.ts';
import { readSystemCalls, type SystemCall, straceCommand } from './system-calls.ts';

export const SECTOR_BYTES = 512;

interface RecordedWrite {
  readonly offset: number;
  readonly bytes: Buffer;
  readonly began: number;
  /** When a flush that covers it was over. */
  readonly durable: number;
}

/** What a process did to its data file, in lines of the record. */
export interface Recording {
  readonly writes: readonly RecordedWrite[];
  /** When the file was given its name, and when that was durable. */
  readonly named: { readonly began: number; readonly durable: number };
  /** When a round was begun ("b") and acknowledged ("a"). */
  readonly told: readonly { readonly letter: string; readonly round: number; readonly at: number }[];
  /** Every moment at which something changed, in order. */
  readonly moments: readonly number[];
}

/** What a power cut at a moment leaves, and what the process had told before. */
export interface TornFile {
  readonly name: string;
  readonly bytes: Buffer;
  readonly acknowledged: number;
  readonly begun: number;
  /** Writes that no flush had covered, and how many of them are there in part or not at all. */
  readonly unflushed: number;
  readonly harmed: number;
}

const NAME = 'data.mdb';
const UNREADY_NAME = 'data.mdb.new';
const WRITES = ['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'];
const FLUSHES = ['fdatasync', 'fsync'];
/** Not every machine has each. */
const RENAMES = ['rename', 'renameat', 'renameat2'];
/** They would change the file in a way that `torn` does not know, and must not come. */
const UNKNOWN = ['ftruncate', 'fallocate', 'msync', 'sync_file_range', 'copy_file_range', 'sendfile'];

/** The command that records a program for `readRecording`. */
export function recordCommand(log: string, program: readonly string[]): string[] {
  const renames = RENAMES.map((name) => `?${name}`);
  return straceCommand(['openat', 'lseek', ...WRITES, ...FLUSHES, ...renames, ...UNKNOWN], log, program);
}

export async function readRecording(log: string): Promise<Recording> {
  return recordingOf(await readSystemCalls(log));
}

export function recordingOf(calls: readonly SystemCall[]): Recording {
  const onFile = calls.filter(({ target }) => isDataFile(target));
  const unknown = onFile.find(({ name }) => UNKNOWN.includes(name));
  if (unknown !== undefined) throw new Error(`${unknown.name} changes the file in a way that is not recorded`);
  const flushes = calls.filter(({ name, result }) => FLUSHES.includes(name) && result === 0);
  const writes = writesOf(
    calls,
    flushes.filter(({ target }) => isDataFile(target)),
  );
  const named = namedOf(calls, flushes);
  const told = calls.flatMap(({ name, descriptor, bytes, began }) => {
    const [, letter, round] =
      /^([ab])(\d+)\n$/.exec(name === 'write' && descriptor === 1 ? bytes.toString() : '') ?? [];
    return letter === undefined ? [] : [{ letter, round: Number(round), at: began }];
  });
  const changes = [...writes, named].flatMap(({ began, durable }) => [began, durable]);
  const moments = new Set([...changes, ...told.map(({ at }) => at)].filter(Number.isFinite));
  return { writes, named, told, moments: [...moments].sort((a, b) => a - b) };
}

function isDataFile(path: string): boolean {
  return path.endsWith(`/${NAME}`) || path.endsWith(`/${UNREADY_NAME}`);
}

function namedOf(calls: readonly SystemCall[], flushes: readonly SystemCall[]): Recording['named'] {
  const rename = calls.find(({ name, bytes }) => RENAMES.includes(name) && bytes.includes(UNREADY_NAME));
  if (rename === undefined) throw new Error(`${UNREADY_NAME} was never renamed`);
  // The two names stand behind each other, as they were given.
  const directory = rename.bytes.toString().split(`/${UNREADY_NAME}`)[0];
  const flush = flushes.find(({ target, began }) => target === directory && began > rename.ended);
  return { began: rename.began, durable: flush?.ended ?? Number.POSITIVE_INFINITY };
}

/** Every write to the file, in order, with where it went to and when it was durable. */
function writesOf(calls: readonly SystemCall[], flushes: readonly SystemCall[]): RecordedWrite[] {
  const writes: RecordedWrite[] = [];
  /** By descriptor: where the next write without an offset goes to. */
  const positions = new Map<number, number>();
  /** Descriptors whose writes flush themselves. */
  const flushing = new Set<number>();
  for (const call of calls) {
    const { name, descriptor, parameters, bytes, began, ended, result } = call;
    if (name === 'openat' && isDataFile(bytes.toString())) {
      positions.set(result, 0);
      if (parameters.includes('O_DSYNC')) flushing.add(result);
      else flushing.delete(result);
    }
    if (!isDataFile(call.target)) continue;
    if (name === 'lseek') positions.set(descriptor, result);
    if (!WRITES.includes(name)) continue;
    const given = name.startsWith('p') ? Number(/, (\d+)$/.exec(parameters)?.[1]) : undefined;
    const offset = given ?? positions.get(descriptor) ?? Number.NaN;
    if (Number.isNaN(offset)) throw new Error(`the place of a write is not known: ${name} in line ${began}`);
    if (result !== bytes.length && result !== -1)
      throw new Error(`a write in line ${began} wrote only ${result} bytes`);
    if (given === undefined) positions.set(descriptor, offset + bytes.length);
    const flush = flushing.has(descriptor) ? call : flushes.find((later) => later.began > ended);
    writes.push({ offset, bytes, began, durable: flush?.ended ?? Number.POSITIVE_INFINITY });
  }
  return writes;
}

/** The file after a power cut at a moment. */
export function torn({ writes, named, told }: Recording, moment: number, random: SeededRandom): TornFile {
  const begun = writes.filter(({ began }) => began <= moment);
  const durable = begun.filter((write) => write.durable <= moment);
  const unflushed = shuffled(
    begun.filter((write) => write.durable > moment),
    random,
  );
  const file = new GrowingFile(Math.max(0, ...begun.map(({ offset, bytes }) => offset + bytes.length)));
  for (const { offset, bytes } of durable) file.write(offset, bytes, 0, bytes.length);
  // Now and then nearly everything is there, or nearly nothing.
  const share = random.pick([0, 0.1, 0.5, 0.5, 0.5, 0.9]);
  let harmed = 0;
  for (const write of unflushed) if (!tear(file, write, share, random)) harmed += 1;
  // The length may be on the device before what is in it.
  if (random.chance(0.5)) file.length = file.bytes.length;
  const lastOf = (letter: string): number =>
    Math.max(0, ...told.filter((one) => one.letter === letter && one.at <= moment).map(({ round }) => round));
  const isNamed = named.durable <= moment || (named.began <= moment && random.chance(0.5));
  return {
    name: isNamed ? NAME : UNREADY_NAME,
    bytes: file.bytes.subarray(0, file.length),
    acknowledged: lastOf('a'),
    begun: lastOf('b'),
    unflushed: unflushed.length,
    harmed,
  };
}

/** Writes all, nothing or some sectors; whether it was all. */
function tear(file: GrowingFile, { offset, bytes }: RecordedWrite, share: number, random: SeededRandom): boolean {
  const isPartly = random.chance(0.5);
  const isThere = random.chance(share);
  let isWhole = true;
  for (let start = offset; start < offset + bytes.length; ) {
    const end = Math.min(offset + bytes.length, (Math.floor(start / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (isPartly ? random.chance(share) : isThere) file.write(offset, bytes, start - offset, end - offset);
    else isWhole = false;
    start = end;
  }
  return isWhole;
}

/** As long as the last byte that was written to it. */
class GrowingFile {
  readonly bytes: Buffer;
  length = 0;

  constructor(bytesMax: number) {
    this.bytes = Buffer.alloc(bytesMax);
  }

  /** Writes a part of what was written at an offset. */
  write(offset: number, bytes: Buffer, start: number, end: number): void {
    bytes.copy(this.bytes, offset + start, start, end);
    this.length = Math.max(this.length, offset + end);
  }
}

function shuffled<T>(list: readonly T[], random: SeededRandom): T[] {
  const all = [...list];
  for (let index = all.length - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [all[index], all[other]] = [all[other], all[index]];
  }
  return all;
}
