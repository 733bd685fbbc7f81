import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { command } from '../testing/command-world.ts';
import { COMMAND_TABLE, ownedBy } from './command-table.ts';

test('finds what is open of a device in order, all of it by generation and newest first, and what is due by time', async () => {
  const table = new MemoryTable(COMMAND_TABLE);
  const put = (id: string, order: number, fields = {}) => table.put(id, command({ id, order, ...fields }));
  await put('b', 9, { expiresAtMs: 5 });
  await put('a', 10, { expiresAtMs: 1_000_000_000_000, batchId: 'x' });
  await put('c', 8, { endedAtMs: 7, batchId: 'x' });
  await put('d', 1, { deviceId: 'cam11', expiresAtMs: 70 });
  await put('e', 2, { generation: 'g2', endedAtMs: 8 });
  const keys = (index: string, prefix = '') => table.scan({ index, prefix, limit: 9 }).records.map(({ key }) => key);
  assert.deepEqual(keys('open', ownedBy('cam1')), ['b', 'a']);
  assert.deepEqual(keys('generation', ownedBy('cam1', 'g1')), ['a', 'b', 'c']);
  assert.deepEqual(keys('generation', ownedBy('cam1', 'g2')), ['e']);
  assert.deepEqual(keys('expires'), ['b', 'd', 'a']);
  assert.deepEqual(keys('ended'), ['c', 'e']);
  assert.deepEqual(keys('batch', ownedBy('x')), ['c', 'a']);
});
