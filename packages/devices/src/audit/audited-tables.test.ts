import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable, RevisionConflict, type Table, type TableDefinition } from '@dunlin/broker';
import { compareAndSet } from '../compare-and-set.ts';
import { TestClock } from '../testing/clock.ts';
import { AUDIT_TABLE, AuditLog } from './audit-log.ts';
import { auditedTables } from './audited-tables.ts';
import { type ChangeOf, NO_CHANGE } from './change.ts';

const NAMES: TableDefinition<string> = { name: 'names', indexes: {} };
const ofName: ChangeOf<string> = (before, after, target) =>
  before === after ? undefined : { action: 'name', target, before, after };

async function opened(inner: Table<string> = new MemoryTable(NAMES)) {
  const order: string[] = [];
  const table = new MemoryTable<never>(AUDIT_TABLE as TableDefinition<never>);
  table.watch('', ({ record }) => order.push(record === undefined ? 'withdrawn' : 'entry'));
  inner.watch('', () => order.push('change'));
  const log = await AuditLog.open(table, { clock: new TestClock(), entriesMax: 100, madeRoom: () => {} });
  const tables = auditedTables({ table: <T>() => inner as unknown as Table<T> }, log, {
    names: ofName as ChangeOf<never>,
    others: NO_CHANGE,
  });
  const entries = async () => (await log.list(100)).entries.map(({ before, after }) => [before, after]).toReversed();
  return { tables, names: tables.table(NAMES), order, entries, log };
}

test('every write is written down before it is made, with what was there and what is', async () => {
  const { names, order, entries } = await opened();
  await names.put('a', 'x');
  await names.put('a', 'y');
  await names.put('a', 'y');
  assert.equal(await names.delete('a'), true);
  assert.equal(await names.delete('a'), false);
  assert.deepEqual(await entries(), [
    [undefined, 'x'],
    ['x', 'y'],
    ['y', undefined],
  ]);
  assert.deepEqual(order, ['entry', 'change', 'entry', 'change', 'change', 'entry', 'change']);
});

test('a write that comes too late is refused, and not written down', async () => {
  const { names, entries } = await opened();
  await names.put('a', 'x', 0);
  await assert.rejects(names.put('a', 'y', 0), RevisionConflict);
  await assert.rejects(names.delete('a', 7), RevisionConflict);
  assert.deepEqual(await entries(), [[undefined, 'x']]);
});

test('of many who write one record at once each sees what the one before left', async () => {
  const { names, entries } = await opened();
  const add = (letter: string) =>
    compareAndSet(names, 'a', (record) => names.put('a', (record?.value ?? '') + letter, record?.revision ?? 0));
  await Promise.all(['1', '2', '3'].map(add));
  const after = (await entries()).map(([, now]) => now as string);
  assert.deepEqual(
    after.map(({ length }) => length),
    [1, 2, 3],
  );
  assert.equal((await names.get('a'))?.value, after[2]);
});

test('a write that fails is not written down, and the next one is made', async () => {
  const inner = new MemoryTable(NAMES);
  const { names, entries, log } = await opened(inner);
  await assert.rejects(names.put('', 'x'), RangeError);
  await names.put('b', 'y');
  await log.close();
  assert.deepEqual(await entries(), [[undefined, 'y']]);
});

test('a table of which nobody says what its changes are cannot be opened', async () => {
  const { tables } = await opened();
  assert.throws(
    () => tables.table({ name: 'new', indexes: {} }),
    /Cannot open the table "new": what the audit log says of its changes is expected/,
  );
  assert.ok(tables.table({ name: 'others', indexes: {} }) instanceof MemoryTable);
});
