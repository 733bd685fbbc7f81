import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../simulation-harness/seeded-random.ts';
import type { SystemCall } from './system-calls.ts';
import { recordingOf, SECTOR_BYTES, torn } from './torn-file.ts';

const PAGE = 4_096;
const FILE = '/store/data.mdb';

/** Calls one after the other, each in a line of its own. */
function calls(...given: Partial<SystemCall>[]): SystemCall[] {
  const made: Partial<SystemCall>[] = [
    { name: 'openat', bytes: Buffer.from(`${FILE}.new`), result: 3, parameters: 'O_RDWR' },
    { name: 'rename', bytes: Buffer.from(`${FILE}.new${FILE}`), result: 0 },
    { name: 'fsync', target: '/store', result: 0 },
    { name: 'openat', bytes: Buffer.from(FILE), result: 4, parameters: 'O_RDWR' },
    { name: 'openat', bytes: Buffer.from(FILE), result: 5, parameters: 'O_WRONLY|O_DSYNC' },
  ];
  const common = { descriptor: -1, target: '', parameters: '', bytes: Buffer.of(), result: -1 };
  return [...made, ...given].map((call, index) => ({ name: '', began: index, ended: index, ...common, ...call }));
}

function write(descriptor: number, offset: number, letter: string, bytes = PAGE): Partial<SystemCall> {
  const parameters = `${descriptor}<…>, "…", ${bytes}, ${offset}`;
  return { name: 'pwrite64', descriptor, target: FILE, parameters, bytes: Buffer.alloc(bytes, letter), result: bytes };
}

const flush: Partial<SystemCall> = { name: 'fdatasync', descriptor: 4, target: FILE, result: 0 };
/** A moment after everything. */
const end = 1_000;
const seeds = Array.from({ length: 200 }, (_, seed) => new SeededRandom(seed));

test('keeps what a flush has covered, and any sectors of what came after', () => {
  const recording = recordingOf(calls(write(4, 0, 'a'), flush, write(4, PAGE, 'b')));
  const kinds = new Set<string>();
  for (const random of seeds) {
    const { bytes, unflushed, harmed } = torn(recording, end, random);
    assert.equal(unflushed, 1);
    assert.equal(bytes.subarray(0, PAGE).toString(), 'a'.repeat(PAGE));
    const sectors = Array.from({ length: PAGE / SECTOR_BYTES }, (_, index) =>
      bytes.toString('latin1', PAGE + index * SECTOR_BYTES, PAGE + (index + 1) * SECTOR_BYTES),
    );
    for (const sector of sectors) assert.match(sector, /^(b{512}|\0{512}|)$/);
    const there = sectors.filter((sector) => sector.startsWith('b')).length;
    assert.equal(harmed, there === sectors.length ? 0 : 1);
    kinds.add(there === 0 ? 'nothing' : there === sectors.length ? 'all' : 'torn');
  }
  assert.deepEqual([...kinds].sort(), ['all', 'nothing', 'torn']);
});

test('lets two writes to one place arrive in any order', () => {
  const recording = recordingOf(calls(write(4, 0, 'a'), write(4, 0, 'b')));
  const seen = new Set(seeds.map((random) => torn(recording, end, random).bytes.toString('latin1', 0, 1)));
  assert.ok(seen.has('a') && seen.has('b'));
});

test('takes a write through a descriptor that flushes for durable when it ends, and others not', () => {
  const recording = recordingOf(calls(write(4, 0, 'a'), write(5, PAGE, 'm', 128)));
  for (const random of seeds) {
    const { bytes, unflushed } = torn(recording, end, random);
    assert.equal(unflushed, 1);
    assert.equal(bytes.toString('latin1', PAGE, PAGE + 128), 'm'.repeat(128));
  }
});

test('takes no flush for covering a write that was still under way when it began', () => {
  const [first, ...rest] = calls({ ...write(4, 0, 'a'), ended: 6.5 }, { ...flush, began: 6, ended: 7 }).reverse();
  const recording = recordingOf([first, ...rest].reverse());
  assert.equal(torn(recording, end, new SeededRandom(1)).unflushed, 1);
});

test('knows where a write without an offset goes', () => {
  const seek: Partial<SystemCall> = { name: 'lseek', descriptor: 4, target: FILE, result: PAGE };
  const gathered = { ...write(4, 0, 'b'), name: 'writev', parameters: '' };
  const { writes } = recordingOf(calls(seek, gathered, gathered, flush));
  assert.deepEqual(
    writes.map(({ offset }) => offset),
    [PAGE, 2 * PAGE],
  );
});

test('gives the file its name when the directory was flushed, and before that either', () => {
  const recording = recordingOf(calls(write(4, 0, 'a')));
  const names = (moment: number) => new Set(seeds.map((random) => torn(recording, moment, random).name));
  assert.deepEqual([...names(0)], ['data.mdb.new']);
  assert.equal(names(1).size, 2);
  assert.deepEqual([...names(2)], ['data.mdb']);
});

test('tells the rounds that were begun and acknowledged until then', () => {
  const told = (text: string): Partial<SystemCall> => ({ name: 'write', descriptor: 1, bytes: Buffer.from(text) });
  const recording = recordingOf(calls(told('b1\n'), told('a1\n'), told('b2\n')));
  const at = (moment: number) => torn(recording, moment, new SeededRandom(1));
  assert.deepEqual(
    [5, 6, 7].map((moment) => [at(moment).begun, at(moment).acknowledged]),
    [
      [1, 0],
      [1, 1],
      [2, 1],
    ],
  );
});

test('refuses a record that it cannot follow', () => {
  const cut: Partial<SystemCall> = { name: 'ftruncate', descriptor: 4, target: FILE, result: 0 };
  assert.throws(() => recordingOf(calls(cut)), /ftruncate changes the file/);
  assert.throws(() => recordingOf(calls({ ...write(4, 0, 'a'), result: 100 })), /wrote only 100 bytes/);
  assert.throws(() => recordingOf([]), /data\.mdb\.new was never renamed/);
});
