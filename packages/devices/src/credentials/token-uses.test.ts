import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import type { DeviceEvent } from '../events.ts';
import { TestClock } from '../testing/clock.ts';
import { type StoredUses, TOKEN_USES, TokenUses } from './token-uses.ts';

function setUp() {
  const table = new MemoryTable<StoredUses>(TOKEN_USES);
  const told: DeviceEvent[] = [];
  const clock = new TestClock();
  const tables = { table: () => table as never };
  const uses = new TokenUses({ tables, clock, tell: (event) => void told.push(event) });
  return { table, told, uses, clock };
}

test('writes the last of the uses that came together, beside those of other tokens', async () => {
  const { uses } = setUp();
  uses.note('d1', 't1', 5);
  await uses.write();
  uses.note('d1', 't2', 6);
  uses.note('d1', 't2', 7);
  await uses.write();
  assert.deepEqual(await uses.of('d1'), { t1: 5, t2: 7 });
});

test('writes after ten seconds, and has a timer only until then', async () => {
  const { uses, clock } = setUp();
  assert.equal(clock.timers, 0);
  uses.note('d1', 't1', 5);
  await clock.passInTurns(9_999);
  assert.deepEqual(await uses.of('d1'), {});
  await clock.passInTurns(1);
  assert.deepEqual([await uses.of('d1'), clock.timers], [{ t1: 5 }, 0]);
});

test('writes what is a minute from what is written, and nothing nearer', async () => {
  const { uses } = setUp();
  for (const [atMs, expected] of [
    [100_000, 100_000],
    [159_999, 100_000],
    [160_000, 160_000],
  ]) {
    uses.note('d1', 't1', atMs);
    await uses.write();
    assert.deepEqual(await uses.of('d1'), { t1: expected });
  }
});

test('forgets a device, and the oldest of very many tokens', async () => {
  const { uses } = setUp();
  for (let n = 1; n <= 101; n++) {
    uses.note('d1', `t${n}`, n);
    await uses.write();
  }
  const known = await uses.of('d1');
  assert.deepEqual([Object.keys(known).length, known.t1, known.t101], [100, undefined, 101]);
  uses.note('d1', 't1', 200);
  await uses.forget('d1');
  await uses.close();
  assert.deepEqual(await uses.of('d1'), {});
});

test('forgets a device whose use is being written', async () => {
  const { uses } = setUp();
  for (let n = 0; n <= 200; n++) uses.note(`d${n}`, 't1', 5);
  const writing = uses.write();
  await uses.forget('d200');
  await writing;
  assert.deepEqual([await uses.of('d199'), await uses.of('d200')], [{ t1: 5 }, {}]);
});

test('tells of what could not be written', async () => {
  const { table, uses, told } = setUp();
  table.put = () => Promise.reject(new Error('no room'));
  uses.note('d1', 't1', 5);
  await uses.close();
  assert.deepEqual(told, [{ name: 'deviceServiceFailed', error: 'Error: no room' }]);
});
