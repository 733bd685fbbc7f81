import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTables } from './memory-tables.ts';

test('a table is opened once, as in a data directory', () => {
  const tables = new MemoryTables();
  tables.table({ name: 'a', indexes: {} });
  tables.table({ name: 'b', indexes: {} });
  assert.throws(() => tables.table({ name: 'a', indexes: {} }), /Cannot open the table "a": it is open already/);
});
