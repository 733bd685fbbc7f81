import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable, type TableRecord } from '@dunlin/broker';
import { compareAndSet, takeBack } from './compare-and-set.ts';

/** A table whose reads are behind its writes, as those of one on disk are. */
class LateTable extends MemoryTable<number> {
  readonly #shown = new Map<string, TableRecord<number> | undefined>();

  override get(key: string): TableRecord<number> | undefined {
    return this.#shown.get(key);
  }

  override async put(key: string, value: number, expected?: number): Promise<number> {
    const revision = await super.put(key, value, expected);
    await new Promise(setImmediate);
    this.#shown.set(key, { key, value, revision });
    for (const listener of this.listeners) listener({ key, record: this.#shown.get(key) });
    return revision;
  }

  readonly listeners = new Set<(change: { key: string; record: TableRecord<number> | undefined }) => void>();

  override watch(
    _prefix: string,
    listener: (change: { key: string; record: TableRecord<number> | undefined }) => void,
  ) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

const add = (table: MemoryTable<number>) =>
  compareAndSet(table, 'a', (record) => table.put('a', (record?.value ?? 0) + 1, record?.revision ?? 0));

for (const [name, table] of Object.entries({
  'at once': new MemoryTable<number>({ name: 'n', indexes: {} }),
  late: new LateTable({ name: 'n', indexes: {} }),
}))
  test(`loses no change of many at a time, where reads see writes ${name}`, async () => {
    await Promise.all(Array.from({ length: 50 }, () => add(table)));
    assert.equal(table.get('a')?.value, 50);
    if (table instanceof LateTable) assert.equal(table.listeners.size, 0);
  });

test('passes on what the attempt throws, and gives up where somebody always comes in between', async () => {
  const table = new MemoryTable<number>({ name: 'n', indexes: {} });
  await assert.rejects(
    compareAndSet(table, 'a', async () => assert.fail('no')),
    { message: 'no' },
  );
  const meddled = compareAndSet(table, 'a', async (record) => {
    await table.put('a', 1);
    return table.put('a', 2, record?.revision ?? 0);
  });
  await assert.rejects(meddled, { code: 'changed-meanwhile' });
});

test('what was just written is taken back, unless somebody else came first', async () => {
  const table = new MemoryTable<number>({ name: 'numbers', indexes: {} });
  const attempt = (first: () => Promise<unknown>) =>
    compareAndSet(table, 'a', async (record) => {
      const revision = await table.put('a', 1, record?.revision ?? 0);
      await first();
      await takeBack(table, 'a', revision);
    });
  await attempt(async () => undefined);
  assert.equal(table.get('a'), undefined);
  await attempt(() => table.delete('a'));
  assert.equal(table.get('a'), undefined);
  await attempt(() => table.put('a', 2));
  assert.equal(table.get('a')?.value, 2);
});
