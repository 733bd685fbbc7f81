import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BackOff } from './back-off.ts';

test('every wait is at random below a bound that doubles up to the maximum', () => {
  const counts = fc.record({
    minMs: fc.integer({ min: 1, max: 10_000 }),
    maxMs: fc.integer({ min: 1, max: 1_000_000 }),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    attempts: fc.integer({ min: 1, max: 3000 }),
  });
  fc.assert(
    fc.property(counts, ({ minMs, maxMs, random, attempts }) => {
      const backOff = new BackOff({ minMs, maxMs }, () => random);
      for (let attempt = 0; attempt < attempts; attempt++) {
        const boundMs = Math.min(maxMs, minMs * 2 ** attempt);
        assert.equal(backOff.next(), random * boundMs);
      }
      backOff.reset();
      assert.equal(backOff.next(), random * Math.min(minMs, maxMs));
    }),
  );
});

test('the defaults go from one second to five minutes', () => {
  const backOff = new BackOff({}, () => 1);
  const waits = Array.from({ length: 11 }, () => backOff.next() / 1000);
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
});
