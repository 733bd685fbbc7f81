import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { AUDIT_TABLE, type AuditEntry, AuditLog } from './audit-log.ts';
import { StandingClock } from './testing/host.ts';

const change = { by: 'local', address: '', requestId: 'r', action: 'device.add', target: 'cam-1' };
const numbers = async (log: AuditLog) => (await log.list(100)).entries.map(({ number }) => number);

function open() {
  const table = new MemoryTable<AuditEntry>(AUDIT_TABLE);
  return (entriesMax: number) => AuditLog.open(table, new StandingClock(), entriesMax);
}

test('entries are numbered on, from one process to the next, and the newest comes first', async () => {
  const begin = open();
  await (await begin(10)).add(change);
  const log = await begin(10);
  await log.add(change);
  assert.deepEqual(await numbers(log), [2, 1]);
});

test('entries that are added at once each get a number of their own', async () => {
  const begin = open();
  const logs = await Promise.all([begin(100), begin(100)]);
  await Promise.all(Array.from({ length: 20 }, (_, index) => logs[index % 2].add(change)));
  assert.deepEqual(
    (await numbers(logs[0])).toReversed(),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('the oldest make room, and a limit that was lowered is reached by and by', async () => {
  const begin = open();
  const log = await begin(30);
  for (let index = 0; index < 40; index++) await log.add(change);
  assert.equal((await numbers(log)).length, 30);
  const small = await begin(5);
  for (let index = 0; index < 4; index++) await small.add(change);
  assert.deepEqual(await numbers(small), [44, 43, 42, 41, 40]);
});

test('pages follow one another, and a cursor that is none is refused', async () => {
  const log = await open()(10);
  for (let index = 0; index < 3; index++) await log.add(change);
  const first = await log.list(2);
  const second = await log.list(2, first.cursor);
  assert.deepEqual([first.entries.length, second.entries.length, second.cursor], [2, 1, undefined]);
  for (const cursor of ['x', '', '%', Buffer.from('{}').toString('base64url'), 'a'.repeat(10_000)])
    await assert.rejects(log.list(2, cursor), { code: 'cursor-invalid' }, cursor);
});
