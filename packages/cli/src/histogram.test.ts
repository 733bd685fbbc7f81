import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram } from './histogram.ts';

function histogramOf(times: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const time of times) histogram.record(time);
  return histogram;
}

test('a percentile is at most 1/128 above the true one, and never below it', () => {
  const times = fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(times, fc.double({ min: 0.001, max: 1, noNaN: true }), (recorded, share) => {
      const sorted = recorded.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(sorted.length * share) - 1];
      const found = histogramOf(recorded).quantile(share);
      assert.ok(found >= exact && found <= exact * (1 + 1 / 128), `${found} for ${exact}`);
    }),
  );
});

test('short times are exact, and the longest is in any case', () => {
  const histogram = histogramOf([...Array(1000).keys()].map((index) => index / 10));
  assert.deepEqual(histogram.percentiles(), { p50: 50, p90: 90, p99: 99, 'p99.9': 100, max: 100 });
  assert.equal(histogramOf([1_234_567]).percentiles()?.p50, 1_234_567);
});

test('what is out of range counts at its end', () => {
  assert.deepEqual(histogramOf([-5]).percentiles()?.max, 0);
  assert.equal(histogramOf([1e15]).quantile(1), 0xffff_ffff);
});

test('nothing recorded has no percentiles', () => {
  const histogram = new Histogram();
  assert.deepEqual([histogram.count, histogram.percentiles(), histogram.quantile(0.5)], [0, undefined, 0]);
});
