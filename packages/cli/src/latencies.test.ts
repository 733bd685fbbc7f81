import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyResult, latencySummary, quantile } from './latencies.ts';

test('the summary of one time and of many, in whatever order', () => {
  assert.equal(latencySummary([1.5]), 'min 1.50 ms, median 1.50 ms, p99 1.50 ms, max 1.50 ms');
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  assert.equal(latencySummary(hundred), 'min 1.00 ms, median 50.00 ms, p99 99.00 ms, max 100.00 ms');
});

test('a quantile is one of the times, the least that so many were within', () => {
  assert.deepEqual(
    [0, 0.25, 0.5, 0.75, 1].map((q) => quantile([1, 2, 3, 4], q)),
    [1, 1, 2, 3, 4],
  );
});

test('the result is in whole microseconds, and has no times where there was no answer', () => {
  assert.deepEqual(latencyResult([0.5, 0.0014, 0.25]), { answers: 3, min: 1, median: 250, p99: 500, max: 500 });
  assert.deepEqual(latencyResult([]), { answers: 0 });
});
