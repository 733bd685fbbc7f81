import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenCounts } from './open-counts.ts';

test('counts by device and in all, and forgets a device that has none', () => {
  const counts = new OpenCounts();
  for (const id of ['a', 'b', 'a']) counts.add(id);
  assert.deepEqual([counts.of('a'), counts.of('b'), counts.of('c'), counts.total], [2, 1, 0, 3]);
  counts.remove('a');
  counts.remove('b');
  assert.deepEqual([counts.of('a'), counts.of('b'), counts.total], [1, 0, 1]);
  assert.throws(() => counts.remove('b'), /b has no command that could end/);
});
