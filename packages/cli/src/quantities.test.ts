import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alignedRows, shownBytes, shownCount, shownNumber, shownTime } from './quantities.ts';

test('numbers have three significant digits and thousands apart', () => {
  assert.deepEqual([0, 0.4123, 1, 12.34, 1234.5].map(shownNumber), ['0', '0.412', '1.00', '12.3', '1,235']);
  assert.equal(shownCount(1_234_567.4), '1,234,567');
});

test('times and sizes have a unit that fits', () => {
  const times = [0, 412.4, 1000, 12_345, 999_400, 999_600, 61_000_000];
  assert.deepEqual(times.map(shownTime), ['0 µs', '412 µs', '1.00 ms', '12.3 ms', '999 ms', '1.00 s', '61.0 s']);
  assert.deepEqual([0, 64, 1000, 1_230_000, 5e15].map(shownBytes), ['0 B', '64 B', '1.00 kB', '1.23 MB', '5,000 TB']);
});

test('columns are aligned, also where cells are missing', () => {
  assert.deepEqual(
    alignedRows([
      ['', 'p50', 'max'],
      ['delivered', '1 ms', '20 ms'],
      ['lost', '0'],
    ]),
    ['            p50    max', 'delivered  1 ms  20 ms', 'lost          0'],
  );
});
