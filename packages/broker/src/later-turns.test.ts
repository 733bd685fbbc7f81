import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LaterTurns } from './later-turns.ts';
import type { Session } from './session.ts';
import { TestClock } from './testing/world.ts';

test('gives the replays of one turn five milliseconds, from the first that asks', () => {
  const clock = new TestClock();
  const turns = new LaterTurns(clock, () => undefined);
  turns.begin();
  const pauseAtMs = turns.pauseAtMs;
  assert.equal(pauseAtMs, clock.now + 5);
  clock.now += 3;
  assert.equal(turns.pauseAtMs, pauseAtMs);
  turns.begin();
  assert.equal(turns.pauseAtMs, pauseAtMs + 3);
});

test('lets who waits go on in a turn of its own, whoever the time did not suffice for in the next', () => {
  const clock = new TestClock();
  const order: string[] = [];
  const turns = new LaterTurns(clock, () => order.push('turn'));
  const session = (name: string) =>
    ({
      pump: () => {
        order.push(name);
        clock.now += 3;
      },
    }) as unknown as Session;
  for (const name of ['a', 'b', 'c']) turns.add(session(name));
  turns.end();
  assert.deepEqual(order, []);
  clock.endTurn();
  assert.deepEqual(order, ['turn', 'a', 'b']);
  turns.end();
  clock.endTurn();
  assert.deepEqual(order, ['turn', 'a', 'b', 'turn', 'c']);
  turns.end();
  assert.equal(clock.endTurn(), false);
});
