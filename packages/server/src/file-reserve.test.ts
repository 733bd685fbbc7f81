import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../../../test/doubles.ts';
import { FileReserve } from './file-reserve.ts';

function reserve(limit: number | undefined) {
  const told: string[] = [];
  const system = { limit, lowestFree: 20 };
  const clock = new TestClock();
  const files = new FileReserve({
    clock,
    limit: () => system.limit,
    lowestFree: () => system.lowestFree,
    refused: () => told.push('refused'),
    exhausted: (fileLimit) => told.push(`exhausted ${fileLimit}`),
    available: (refused) => told.push(`available ${refused}`),
  });
  return { files, told, system, clock };
}

test('the last files are for the process: who takes one is refused, which is told once, and its end once a second', () => {
  const { files, told, system, clock } = reserve(1_024);
  const areSpare = [1_007, 1_008, 1_023, 1_007].map((descriptor) => files.isSpare(descriptor));
  assert.deepEqual(areSpare, [true, false, false, true]);
  assert.deepEqual(told.splice(0), ['exhausted 1024', 'refused', 'refused']);
  system.lowestFree = 1_008;
  clock.pass(1_000);
  assert.deepEqual(told, []);
  system.lowestFree = 1_007;
  clock.pass(2_000);
  assert.deepEqual(told, ['available 2']);
});

test('of a small limit an eighth is kept', () => {
  const { files } = reserve(64);
  assert.deepEqual([files.isSpare(55), files.isSpare(56)], [true, false]);
});

test('files that others take are told of without a connection, also where not one is left', () => {
  const { told, system, clock } = reserve(1_024);
  system.lowestFree = Number.POSITIVE_INFINITY;
  clock.pass(2_000);
  assert.deepEqual(told, ['exhausted 1024']);
  system.lowestFree = 20;
  clock.pass(1_000);
  assert.deepEqual(told, ['exhausted 1024', 'available 0']);
});

test('a limit that is lowered counts within a second', () => {
  const { files, system, clock } = reserve(1_024);
  system.limit = 128;
  clock.pass(999);
  assert.equal(files.isSpare(500), true);
  clock.pass(1);
  assert.equal(files.isSpare(500), false);
});

test('without a limit, and where a descriptor has no number, everybody may stay; closed it looks no more', () => {
  const { files, clock } = reserve(undefined);
  assert.equal(files.isSpare(1_000_000), true);
  clock.pass(1_000);
  assert.equal(reserve(64).files.isSpare(-1), true);
  files.close();
  assert.equal(clock.timers, 0);
});
