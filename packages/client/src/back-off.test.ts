import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOffMs } from './back-off.ts';

test('every wait is at random below a bound that doubles up to the maximum', () => {
  const counts = fc.record({
    minMs: fc.integer({ min: 1, max: 10_000 }),
    maxMs: fc.integer({ min: 1, max: 1_000_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    failures: fc.integer({ min: 2, max: 3000 }),
  });
  fc.assert(
    fc.property(counts, ({ minMs, maxMs, random, failures }) => {
      const wait = (count: number): number => backOffMs({ minMs, maxMs }, count, { random: () => random });
      assert.equal(wait(1), random * Math.min(minMs, maxMs));
      assert.equal(wait(failures), random * Math.min(maxMs, minMs * 2 ** (failures - 1)));
      assert.ok(wait(failures) <= maxMs);
    }),
  );
});

test('the defaults go from one second to five minutes', () => {
  const waits = Array.from({ length: 11 }, (_, index) => backOffMs({}, index + 1, { random: () => 1 }) / 1000);
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
});
