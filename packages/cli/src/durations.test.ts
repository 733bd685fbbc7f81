import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromNow, moment, seconds, shownMoment } from './durations.ts';

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

test('a moment is so long ago, or a time, which is UTC where it names no zone', () => {
  const now = Date.UTC(2026, 0, 2, 3, 4, 5);
  const moments: [string, number][] = [
    ['1h', now - 3_600_000],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31 08:00', Date.UTC(2026, 0, 31, 8)],
    ['2026-01-31T08:00:01.5Z', Date.UTC(2026, 0, 31, 8, 0, 1, 500)],
    ['2026-01-31T08:00:00+02:00', Date.UTC(2026, 0, 31, 6)],
  ];
  for (const [text, atMs] of moments) assert.equal(moment('--since', text, now), atMs, text);
  for (const text of [
    '',
    'monday',
    '2026-13-01',
    '1m',
    '1d ',
    '1969-12-31',
    '99999999d',
    '31.1.2026',
    '2026-01-31T8:00',
  ])
    assert.throws(
      () => moment('--since', text, now),
      /^CommandError: Cannot use --since ".*": expected how long ago/,
      text,
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
