import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { command } from '../testing/command-world.ts';
import type { Command } from './command.ts';
import { CommandSweep } from './command-sweep.ts';
import { COMMAND_TABLE } from './command-table.ts';

async function world(count: number) {
  const clock = new TestClock();
  const table = new MemoryTable<Command>(COMMAND_TABLE);
  const startMs = clock.nowMs();
  for (let n = 0; n < count; n++) await table.put(`c${n}`, command({ id: `c${n}`, expiresAtMs: startMs + 10 * n }));
  const failures: unknown[] = [];
  const expire = async (id: string) => {
    const record = table.get(id);
    if (record !== undefined && record.value.expiresAtMs <= clock.nowMs())
      await table.put(id, { ...record.value, endedAtMs: clock.nowMs() }, record.revision);
  };
  const forget = ({ key }: { readonly key: string }) => table.delete(key);
  const sweep = new CommandSweep({ table, clock, historyMs: 120_000, expire, forget, failed: (e) => failures.push(e) });
  const count2 = (index: string) => table.scan({ index, limit: 10_000 }).records.length;
  return { clock, table, sweep, failures, open: () => count2('expires'), ended: () => count2('ended') };
}

test('what is due expires within a second, page by page, and nothing else', async () => {
  const { clock, open, ended, sweep, failures } = await world(350);
  await clock.passInTurns(1_000);
  assert.deepEqual([open(), ended()], [249, 101]);
  await clock.passInTurns(4_000);
  assert.deepEqual([open(), ended()], [0, 350]);
  await sweep.close();
  assert.deepEqual([failures, clock.timers], [[], 0]);
});

test('what ended longer ago than the history is forgotten', async () => {
  const { clock, ended, table } = await world(250);
  await clock.passInTurns(60_000);
  assert.equal(ended(), 250);
  await clock.passInTurns(120_000);
  assert.equal(ended(), 0);
  assert.equal(table.scan({ limit: 1 }).records.length, 0);
});

test('a wall clock that is set back ends no walk in a circle', async () => {
  const { clock, open } = await world(250);
  clock.setWallClock(60_000);
  const passing = clock.passInTurns(1_000);
  clock.setWallClock(-60_000);
  await passing;
  assert.equal(open(), 149);
  await clock.passInTurns(2_000);
  assert.equal(open(), 0);
});

test('a failure is told, and the next second tries again', async () => {
  const clock = new TestClock();
  const table = new MemoryTable<Command>(COMMAND_TABLE);
  await table.put('c1', command({ expiresAtMs: 1 }));
  const failures: unknown[] = [];
  const expire = () => Promise.reject(new Error('disk'));
  new CommandSweep({ table, clock, historyMs: 0, expire, forget: expire, failed: (error) => failures.push(error) });
  await clock.passInTurns(2_000);
  assert.deepEqual(failures.map(String), ['Error: disk', 'Error: disk']);
});
