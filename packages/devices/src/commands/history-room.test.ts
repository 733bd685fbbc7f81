import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock, turns } from '../testing/clock.ts';
import { command } from '../testing/command-world.ts';
import type { Command } from './command.ts';
import { COMMAND_TABLE } from './command-table.ts';
import { HistoryRoom } from './history-room.ts';

function world(limits: { readonly recordsMax?: number; readonly bytesMax?: number }) {
  const clock = new TestClock();
  const table = new MemoryTable<Command>(COMMAND_TABLE);
  const told: number[] = [];
  const failed = (error: unknown) => assert.fail(String(error));
  const open = () =>
    new HistoryRoom<Command>({
      ...{ table, clock, failed, recordsMax: Infinity, bytesMax: Infinity, ...limits },
      madeRoom: (records) => void told.push(records),
    });
  const put = async (id: string, endedAtMs: number, input?: unknown) => {
    const value = { ...command({ id }), endedAtMs, input };
    await table.put(id, value);
    return value;
  };
  const left = () => table.scan({ index: 'ended', limit: 1_000 }).records.map(({ key }) => key);
  return { clock, open, put, left, told };
}

test('the oldest that have ended make room, by number', async () => {
  const { open, put, left, told } = world({ recordsMax: 2 });
  const room = open();
  for (const n of [1, 2, 3, 4]) {
    room.ended(await put(`c${n}`, n));
    await turns(10);
  }
  assert.deepEqual([left(), told], [['c3', 'c4'], [1]]);
  await room.close();
});

test('the oldest that have ended make room, by bytes', async () => {
  const { open, put, left } = world({ bytesMax: 5_000 });
  const room = open();
  for (const n of [1, 2, 3, 4]) {
    room.ended(await put(`c${n}`, n, 'x'.repeat(2_000)));
    await turns(10);
  }
  assert.deepEqual(left(), ['c3', 'c4']);
  await room.close();
});

test('what was there before counts too, once', async () => {
  const { open, put, left } = world({ recordsMax: 250 });
  for (let n = 100; n < 400; n++) await put(`c${n}`, n);
  const room = open();
  room.begin();
  await turns(2_000);
  assert.deepEqual([left().length, left()[0]], [250, 'c150']);
  await room.close();
});

test('what somebody else has forgotten or changed meanwhile is not forgotten twice', async () => {
  const { open, put, left } = world({});
  const room = open();
  const value = await put('c1', 1);
  room.ended(value);
  assert.equal(await room.forget({ key: 'c1', value, revision: 7 }), false);
  assert.deepEqual(left(), ['c1']);
  assert.equal(await room.forget({ key: 'c1', value, revision: 1 }), true);
  assert.equal(await room.forget({ key: 'c1', value, revision: 1 }), false);
  await room.close();
});
