import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Places } from './places.ts';
import { TestClock } from './testing/clock.ts';

function world() {
  const clock = new TestClock();
  const most = { places: 2 };
  const places = new Places(clock, () => most.places);
  const served: string[] = [];
  const gone = new AbortController();
  const wait = (name: string): Promise<void> =>
    places.wait('key', 1_000, gone.signal).then((hasPlace) => void served.push(`${name} ${hasPlace}`));
  const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { clock, most, places, served, wait, turns, gone };
}

test('a key has so many places, another has its own', () => {
  const { places } = world();
  assert.equal(places.isTaken('key'), false);
  assert.deepEqual([places.take('key'), places.take('key'), places.take('key')], [true, true, false]);
  assert.equal(places.take('other'), true);
  places.giveBack('key');
  assert.deepEqual([places.take('key'), places.take('key')], [true, false]);
  assert.equal(places.isTaken('key'), true);
  for (let at = 1; at <= 2; at++) places.giveBack('key');
  assert.equal(places.isTaken('key'), false);
});

test('a place that is given back goes to who came first', async () => {
  const { clock, places, served, wait, turns } = world();
  await Promise.all([wait('a'), wait('b')]);
  const waiting = [wait('c'), wait('d')];
  await turns();
  assert.deepEqual(served, ['a true', 'b true']);
  places.giveBack('key');
  await turns();
  assert.deepEqual(served.slice(2), ['c true']);
  assert.equal(places.take('key'), false);
  places.giveBack('key');
  await Promise.all(waiting);
  assert.deepEqual(served.slice(3), ['d true']);
  assert.equal(clock.timers, 0);
});

test('the number of places may fall and rise while some wait', async () => {
  const { most, places, served, wait, turns } = world();
  await Promise.all([wait('a'), wait('b')]);
  const waiting = [wait('c'), wait('d'), wait('e')];
  most.places = 1;
  places.giveBack('key');
  await turns();
  assert.equal(served.length, 2);
  most.places = Infinity;
  places.giveBack('key');
  await Promise.all(waiting);
  assert.deepEqual(served.slice(2), ['c true', 'd true', 'e true']);
});

test('who waits too long has no place, and takes none later', async () => {
  const { clock, places, served, wait } = world();
  await Promise.all([wait('a'), wait('b')]);
  const waiting = wait('c');
  clock.pass(1_000);
  await waiting;
  assert.deepEqual(served.slice(2), ['c false']);
  assert.equal(clock.timers, 0);
  places.giveBack('key');
  assert.equal(places.take('key'), true);
});

test('who is gone leaves the line, and takes no place', async () => {
  const { clock, places, served, wait, turns, gone } = world();
  assert.deepEqual([places.take('key'), places.take('key')], [true, true]);
  void wait('ada');
  gone.abort();
  await turns();
  assert.deepEqual([served, clock.timers], [['ada false'], 0]);
  places.giveBack('key');
  void wait('bob');
  await turns();
  assert.deepEqual(served, ['ada false', 'bob false']);
  assert.equal(places.take('key'), true);
});
