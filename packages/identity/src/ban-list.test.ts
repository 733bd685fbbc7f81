import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BanList } from './ban-list.ts';
import { TestClock } from './testing/clock.ts';

test('a ban ends by itself, or is lifted', () => {
  const clock = new TestClock();
  const bans = new BanList<{ who: string }>(clock, 1_000, 10);
  bans.add('a', { who: 'ada' });
  clock.pass(400);
  bans.add('b', { who: 'bob' });
  assert.deepEqual(bans.list(), [
    { who: 'ada', endsInMs: 600 },
    { who: 'bob', endsInMs: 1_000 },
  ]);
  clock.pass(0.5);
  assert.deepEqual(
    bans.list().map(({ endsInMs }) => endsInMs),
    [600, 1_000],
  );
  clock.pass(599.5);
  assert.deepEqual(bans.list(), [{ who: 'bob', endsInMs: 400 }]);
  assert.deepEqual([bans.has('a'), bans.has('b'), bans.lift('a')], [false, true, false]);
  assert.deepEqual([bans.lift('b'), bans.has('b'), bans.list()], [true, false, []]);
});

test('bans are bounded: the one that nobody met for the longest time gives way', () => {
  const bans = new BanList(new TestClock(), 1_000, 2);
  bans.add('a', {});
  bans.add('b', {});
  assert.equal(bans.has('a'), true);
  bans.add('c', {});
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => bans.has(key)),
    [true, false, true],
  );
});
