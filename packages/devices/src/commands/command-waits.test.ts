import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestClock } from '../testing/clock.ts';
import { command } from '../testing/command-world.ts';
import { CommandWaits, isSettled } from './command-waits.ts';

test('a command is settled when it has ended, or was written to a device that says nothing more', () => {
  assert.equal(isSettled(command()), false);
  assert.equal(isSettled(command({ endedAtMs: 1 })), true);
  assert.equal(isSettled(command({ state: 'sent' })), true);
  assert.equal(isSettled(command({ state: 'sent', awaitsAcknowledgement: true })), false);
  assert.equal(isSettled(command({ state: 'sent', confirmed: true, awaitsAcknowledgement: true })), false);
});

test('whoever waits goes when the command is settled, the time is over, or the signal says so, and leaves nothing', async () => {
  const clock = new TestClock();
  const waits = new CommandWaits(clock);
  const left: string[] = [];
  const join = (name: string, id: string, ms: number, signal?: AbortSignal) =>
    void waits.join(id, ms, signal).over.then(() => left.push(name));
  const abort = new AbortController();
  join('told', 'c1', 5_000);
  join('late', 'c2', 1_000);
  join('aborted', 'c2', 5_000, abort.signal);
  join('gone before', 'c2', 5_000, AbortSignal.abort());
  assert.equal(waits.size, 3);
  waits.tell(command({ state: 'queued' }));
  await clock.passInTurns(1_000);
  assert.deepEqual(left, ['gone before', 'late']);
  waits.tell(command({ endedAtMs: 1 }));
  abort.abort();
  await clock.passInTurns(0);
  assert.deepEqual(left.slice(2), ['told', 'aborted']);
  assert.deepEqual([waits.size, clock.timers], [0, 0]);
});

test('closing lets everybody go', async () => {
  const waits = new CommandWaits(new TestClock());
  const places = [waits.join('a', 1, undefined), waits.join('b', 1, undefined)];
  waits.close();
  await Promise.all(places.map(({ over }) => over));
  assert.equal(waits.size, 0);
});
