import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holdsOn } from './held-listener.ts';

test('accepts again when the last of its holders lets go', () => {
  const calls: string[] = [];
  const hold = holdsOn({ pause: () => void calls.push('pause'), resume: () => void calls.push('resume') });
  const [one, other] = [hold(), hold()];
  one.pause();
  other.pause();
  one.resume();
  assert.deepEqual(calls, ['pause', 'pause']);
  other.resume();
  assert.deepEqual(calls, ['pause', 'pause', 'resume']);
});

test('takes letting go for nothing from one who does not hold it', () => {
  const calls: string[] = [];
  const hold = holdsOn({ pause: () => {}, resume: () => void calls.push('resume') });
  const [one, other] = [hold(), hold()];
  one.pause();
  other.resume();
  assert.deepEqual(calls, []);
});
