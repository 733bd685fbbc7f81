import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromNow, seconds, shownMoment } from './durations.ts';

test('times have a unit and a range', () => {
  assert.deepEqual(
    ['1s', '15min', '2h', '7d'].map((text) => seconds('--for', text, '1s', '30d')),
    [1, 900, 7_200, 604_800],
  );
  for (const text of ['', '5', '0s', '31d', '1.5h', '-1s', 's', '1m'])
    assert.throws(
      () => seconds('--for', text, '1s', '30d'),
      /^CommandError: Cannot use --for ".*": expected a time from 1s to 30d/,
    );
});

test('a moment is told with how far it is', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  assert.deepEqual(
    [0, 1_000, 119_000, 120_000, 3_600_000, 7_200_000, 86_400_000, 172_800_000].map((ms) => fromNow(now - ms, now)),
    ['now', '1 s ago', '119 s ago', '2 min ago', '60 min ago', '2 h ago', '24 h ago', '2 days ago'],
  );
  assert.equal(shownMoment(now + 12 * 86_400_000, now), '2026-01-14 03:04:05 UTC, in 12 days');
});
