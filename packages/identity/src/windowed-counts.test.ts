import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from './testing/clock.ts';
import { WindowedCounts } from './windowed-counts.ts';

test('a count begins anew when its window is over, counted from its first', () => {
  const clock = new TestClock();
  const counts = new WindowedCounts(clock, 1_000, 10);
  assert.equal(counts.add('a'), 1);
  clock.pass(600);
  assert.equal(counts.add('a'), 2);
  clock.pass(399);
  assert.equal(counts.get('a'), 2);
  clock.pass(1);
  assert.equal(counts.get('a'), 0);
  assert.equal(counts.add('a'), 1);
  counts.reset('a');
  assert.equal(counts.get('a'), 0);
});

test('what was counted at one place alone is forgotten by its name', () => {
  const counts = new WindowedCounts(new TestClock(), 1_000, 10);
  counts.add('a', 'here');
  counts.add('a', 'here');
  counts.resetOf('a', 'there');
  assert.equal(counts.get('a'), 2);
  counts.resetOf('a', 'here');
  assert.equal(counts.get('a'), 0);
  for (const place of ['here', 'there', 'here']) counts.add('a', place);
  for (const place of ['here', 'there']) counts.resetOf('a', place);
  assert.equal(counts.get('a'), 3);
});

test('keys are bounded', () => {
  const counts = new WindowedCounts(new TestClock(), 1_000, 2);
  for (const key of ['a', 'b', 'a', 'c']) counts.add(key);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => counts.get(key)),
    [2, 0, 1],
  );
});
