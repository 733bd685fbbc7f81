import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../testing/clock.ts';
import { Pace } from './pace.ts';

function setUp() {
  const clock = new TestClock();
  const begun: string[] = [];
  const pace = new Pace(clock, 20);
  return { clock, pace, begun, begin: (name: string) => pace.begin(() => begun.push(name)) };
}

test('the first begins at once, those after it together when the time is over', () => {
  const { clock, begun, begin } = setUp();
  for (const name of ['a', 'b', 'c']) begin(name);
  clock.pass(19);
  assert.deepEqual(begun, ['a']);
  clock.pass(1);
  assert.deepEqual(begun, ['a', 'b', 'c']);
  begin('d');
  assert.equal(begun.length, 3);
  clock.pass(20);
  assert.equal(begun.length, 4);
});

test('where nothing came for a while the next begins at once, and no timer runs meanwhile', () => {
  const { clock, begun, begin } = setUp();
  begin('a');
  clock.pass(20);
  assert.equal(clock.timers, 0);
  begin('b');
  assert.deepEqual(begun, ['a', 'b']);
});

test('closed, it lets everything begin', () => {
  const { clock, pace, begun, begin } = setUp();
  begin('a');
  begin('b');
  pace.close();
  begin('c');
  assert.deepEqual([begun, clock.timers], [['a', 'b', 'c'], 0]);
});
