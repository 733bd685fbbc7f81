import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { actingAs } from '../actor.ts';
import { TestClock } from '../testing/clock.ts';
import { AUDIT_TABLE, type AuditEntry, AuditLog, type AuditPage, type AuditQuery } from './audit-log.ts';

const change = { action: 'device.add', target: 'cam-1' };
const numbers = async (log: AuditLog) => (await log.list(100)).entries.map(({ number }) => number);

function open() {
  const table = new MemoryTable<AuditEntry>(AUDIT_TABLE);
  const clock = new TestClock();
  const madeRoom: number[] = [];
  const begin = (entriesMax: number) =>
    AuditLog.open(table, { clock, entriesMax, madeRoom: (entries) => void madeRoom.push(entries) });
  return { begin, clock, madeRoom };
}

test('entries are numbered on, from one process to the next, and the newest comes first', async () => {
  const { begin } = open();
  await (await begin(10)).record(change).stored;
  const log = await begin(10);
  await Promise.all([log.record(change).stored, log.record(change).stored]);
  assert.deepEqual(await numbers(log), [3, 2, 1]);
});

test('an entry says who did it, how a device has shown who it is, from where and by which request', async () => {
  const { begin, clock } = open();
  const log = await begin(10);
  await log.record(change).stored;
  const actor = { by: 'device:a', proof: 'renewal token', address: '192.0.2.1', requestId: 'r-1' };
  await actingAs(actor, () => log.record(change).stored);
  assert.deepEqual((await log.list(10)).entries, [
    { number: 2, atMs: clock.nowMs(), ...actor, ...change },
    { number: 1, atMs: clock.nowMs(), by: 'service', address: '', requestId: '', ...change },
  ]);
});

test('what time has made is by the service, whoever has looked', async () => {
  const log = await open().begin(10);
  const recorded = await actingAs({ by: 'key:1', requestId: 'r-1' }, () => log.note({ ...change, isOfTime: true }));
  await recorded.stored;
  const [{ by, requestId, action, ...rest }] = (await log.list(10)).entries;
  assert.deepEqual([by, requestId, action, 'isOfTime' in rest], ['service', 'r-1', 'device.add', false]);
});

test('the oldest make room, and a limit that was lowered is reached by and by', async () => {
  const { begin } = open();
  const log = await begin(30);
  for (let index = 0; index < 40; index++) await log.record(change).stored;
  assert.equal((await numbers(log)).length, 30);
  const small = await begin(5);
  for (let index = 0; index < 4; index++) await small.record(change).stored;
  await small.close();
  assert.deepEqual(await numbers(small), [44, 43, 42, 41, 40]);
});

test('that entries made room is told at first, and then once an hour, with how many', async () => {
  const { begin, clock, madeRoom } = open();
  const log = await begin(2);
  const add = async (): Promise<void> => {
    await log.record(change).stored;
    await new Promise(setImmediate);
  };
  for (let index = 0; index < 2; index++) await add();
  assert.deepEqual(madeRoom, []);
  for (let index = 0; index < 5; index++) await add();
  assert.deepEqual(madeRoom, [1]);
  clock.pass(3_600_000);
  await add();
  assert.deepEqual(madeRoom, [1, 5]);
});

test('pages follow one another', async () => {
  const log = await open().begin(10);
  for (let index = 0; index < 3; index++) await log.record(change).stored;
  const first = await log.list(2);
  const second = await log.list(2, first.cursor);
  assert.deepEqual([first.entries.length, second.entries.length, second.cursor], [2, 1, undefined]);
});

test('entries are found by who, what, to what and when, all together, page by page', async () => {
  const { begin, clock } = open();
  const log = await begin(100);
  for (let count = 0; count < 6; count += 1) {
    const by = count % 2 === 0 ? 'key:a' : 'key:b';
    await actingAs({ by }, () => log.record({ action: 'device.change', target: `cam-${count % 3}` }).stored);
    clock.pass(1_000);
  }
  const found = async (query: AuditQuery) =>
    (await log.list(100, undefined, query)).entries.map(({ number }) => number);
  const firstMs = clock.nowMs() - 6_000;
  assert.deepEqual(await found({ by: 'key:b' }), [6, 4, 2]);
  assert.deepEqual(await found({ target: 'cam-1' }), [5, 2]);
  assert.deepEqual(await found({ by: 'key:b', target: 'cam-1' }), [2]);
  assert.deepEqual(await found({ action: 'device.add' }), []);
  assert.deepEqual(await found({ sinceMs: firstMs + 1_000, beforeMs: firstMs + 3_000 }), [3, 2]);
  const page = await log.list(2, undefined, { by: 'key:b' });
  const next = await log.list(2, page.cursor, { by: 'key:b' });
  assert.deepEqual(
    [...page.entries, ...next.entries].map(({ number }) => number),
    [6, 4, 2],
  );
  await assert.rejects(log.list(2, 'x'), /Cannot go on with the list/);
});

test('a page that finds nothing looks at so many entries and no more, and says where to go on', async () => {
  const { begin } = open();
  const log = await begin(10_000);
  for (let count = 0; count < 6_000; count += 1) log.record({ ...change, ...(count === 0 && { target: 'first' }) });
  const pages: AuditPage[] = [];
  do pages.push(await log.list(100, pages.at(-1)?.cursor, { target: 'first' }));
  while (pages.at(-1)?.cursor !== undefined);
  assert.deepEqual(
    pages.map(({ entries }) => entries.map(({ number }) => number)),
    [[], [1]],
  );
});
