/** What every Table must do, as tests: call `tableContract` from the adapter's own test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RevisionConflict, type Table, type TableChange, type TableDefinition, type TableScan } from '../table.ts';
import { eventually } from './samples.ts';

/** The records of these tests. */
export interface TableSample {
  name: string;
  tags: string[];
  bytes?: Uint8Array;
}

type TableTest = (title: string, run: (table: Table<TableSample>) => Promise<void>) => void;

const definition: TableDefinition<TableSample> = {
  name: 'samples',
  indexes: { name: (value) => [value.name], tag: (value) => value.tags },
};

async function keysOf(table: Table<TableSample>, scan: Omit<TableScan, 'limit'> = {}): Promise<string[]> {
  const page = await table.scan({ ...scan, limit: 1_000 });
  assert.equal(page.cursor, undefined);
  return page.records.map((record) => record.key);
}

async function refuses(write: Promise<unknown>, expected: number, actual: number): Promise<void> {
  await assert.rejects(write, (error: unknown) => {
    assert.ok(error instanceof RevisionConflict);
    assert.equal(error.code, 'revision-conflict');
    assert.deepEqual({ expected: error.expected, actual: error.actual }, { expected, actual });
    return true;
  });
}

/**
 * Registers the tests of the contract under `name`.
 * @param open opens an empty table of the given definition; each test closes what it opened.
 */
export function tableContract(
  name: string,
  open: (definition: TableDefinition<TableSample>) => Promise<Table<TableSample>>,
): void {
  function tableTest(title: string, run: (table: Table<TableSample>) => Promise<void>): void {
    test(title, async () => {
      const table = await open(definition);
      try {
        await run(table);
      } finally {
        await table.close();
      }
    });
  }
  describe(`${name} keeps the contract of a Table`, () => {
    recordTests(tableTest);
    compareAndSetTests(tableTest);
    scanTests(tableTest);
    indexTests(tableTest);
    watchTests(tableTest);
  });
}

function recordTests(tableTest: TableTest): void {
  tableTest('returns what was put, until it is deleted', async (table) => {
    assert.equal(await table.get('a'), undefined);
    const revision = await table.put('a', { name: 'Ada', tags: ['x'], bytes: new Uint8Array([0, 255]) });
    assert.ok(revision >= 1);
    const record = await table.get('a');
    assert.equal(record?.revision, revision);
    assert.equal(record.key, 'a');
    assert.equal(record.value.name, 'Ada');
    assert.deepEqual([...(record.value.bytes ?? [])], [0, 255]);
    assert.equal(await table.delete('a'), true);
    assert.equal(await table.get('a'), undefined);
    assert.equal(await table.delete('a'), false);
  });

  tableTest('does not see later changes to an object that was put', async (table) => {
    const value = { name: 'Ada', tags: ['x'] };
    await table.put('a', value);
    value.name = 'Eve';
    value.tags.push('y');
    assert.deepEqual((await table.get('a'))?.value, { name: 'Ada', tags: ['x'] });
    assert.deepEqual(await keysOf(table, { index: 'name', exact: 'Ada' }), ['a']);
  });

  tableTest('leaves out properties that are undefined', async (table) => {
    await table.put('a', { name: 'Ada', tags: [], bytes: undefined } as unknown as TableSample);
    assert.deepEqual(Object.keys((await table.get('a'))?.value ?? {}), ['name', 'tags']);
  });

  tableTest('refuses what is no plain data, and keeps what was there', async (table) => {
    await table.put('a', { name: 'Ada', tags: [] });
    const wrong = { name: 'Eve', tags: new Set(['x']) } as unknown as TableSample;
    await assert.rejects(table.put('a', wrong), TypeError);
    assert.equal((await table.get('a'))?.value.name, 'Ada');
  });

  tableTest('refuses a key that is empty or longer than 480 bytes', async (table) => {
    await assert.rejects(table.put('', { name: '', tags: [] }), RangeError);
    await assert.rejects(table.put('ä'.repeat(241), { name: '', tags: [] }), RangeError);
    await table.put('ä'.repeat(240), { name: 'longest', tags: [] });
    assert.equal((await table.get('ä'.repeat(240)))?.value.name, 'longest');
  });
}

function compareAndSetTests(tableTest: TableTest): void {
  tableTest('raises the revision of a record with each write, across a deletion', async (table) => {
    const first = await table.put('a', { name: '1', tags: [] });
    const second = await table.put('a', { name: '2', tags: [] });
    await table.delete('a');
    const third = await table.put('a', { name: '3', tags: [] });
    assert.ok(first < second && second < third);
  });

  tableTest('writes only over the expected revision', async (table) => {
    const first = await table.put('a', { name: '1', tags: [] }, 0);
    const second = await table.put('a', { name: '2', tags: [] }, first);
    await refuses(table.put('a', { name: 'late', tags: ['late'] }, first), first, second);
    assert.deepEqual((await table.get('a'))?.value, { name: '2', tags: [] });
    assert.deepEqual(await keysOf(table, { index: 'tag', exact: 'late' }), []);
  });

  tableTest('expects with 0 that there is no record', async (table) => {
    const revision = await table.put('a', { name: '1', tags: [] }, 0);
    await refuses(table.put('a', { name: '2', tags: [] }, 0), 0, revision);
    await refuses(table.put('b', { name: '2', tags: [] }, revision), revision, 0);
    assert.equal(await table.get('b'), undefined);
  });

  tableTest('deletes only the expected revision', async (table) => {
    const first = await table.put('a', { name: '1', tags: [] });
    const second = await table.put('a', { name: '2', tags: [] });
    await refuses(table.delete('a', first), first, second);
    assert.equal(await table.delete('a', second), true);
    await refuses(table.delete('a', second), second, 0);
  });

  tableTest('lets one of many win that write over the same revision', async (table) => {
    const revision = await table.put('a', { name: 'start', tags: [] });
    const writes = Array.from({ length: 20 }, (_, n) => table.put('a', { name: `${n}`, tags: [] }, revision));
    const results = await Promise.allSettled(writes);
    const winners = results.flatMap((result, n) => (result.status === 'fulfilled' ? [`${n}`] : []));
    assert.equal(winners.length, 1);
    assert.equal((await table.get('a'))?.value.name, winners[0]);
  });
}

function scanTests(tableTest: TableTest): void {
  tableTest('scans keys in the order of their UTF-8, by prefix', async (table) => {
    const keys = ['b', 'a/2', 'a/10', 'a', 'ab', 'z', '\u{1f600}', '\uffe0', 'ä'];
    for (const key of keys) await table.put(key, { name: key, tags: [] });
    assert.deepEqual(await keysOf(table), ['a', 'a/10', 'a/2', 'ab', 'b', 'z', 'ä', '\uffe0', '\u{1f600}']);
    assert.deepEqual(await keysOf(table, { prefix: 'a/' }), ['a/10', 'a/2']);
    assert.deepEqual(await keysOf(table, { prefix: 'c' }), []);
    assert.deepEqual(await keysOf(table, { exact: 'a' }), ['a']);
  });

  tableTest('pages through a scan with a cursor', async (table) => {
    const keys = Array.from({ length: 25 }, (_, n) => `device/${String(n).padStart(3, '0')}`);
    for (const key of keys) await table.put(key, { name: key, tags: [] });
    await table.put('elsewhere', { name: 'x', tags: [] });
    const seen: string[] = [];
    let cursor: string | undefined;
    for (let pages = 0; pages < 10; pages++) {
      const page = await table.scan({ prefix: 'device/', limit: 10, ...(cursor !== undefined && { cursor }) });
      assert.ok(page.records.length <= 10);
      seen.push(...page.records.map((record) => record.key));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    assert.equal(cursor, undefined);
    assert.deepEqual(seen, keys);
  });

  tableTest(
    'takes a cursor that nobody was given for a mistake or for a place in the range, nothing else',
    async (table) => {
      for (const key of ['a/1', 'a/2', 'b']) await table.put(key, { name: key, tags: [] });
      for (const cursor of ['x', '[]', '[1,2]', 'null', '{"a":1}', '', 'AAAA', '____'])
        try {
          const { records } = await table.scan({ prefix: 'a/', limit: 9, cursor });
          assert.ok(
            records.every(({ key }) => key.startsWith('a/')),
            cursor,
          );
        } catch (error) {
          assert.ok(error instanceof RangeError, cursor);
        }
    },
  );

  tableTest('goes on from a cursor while records come and go', async (table) => {
    for (const key of ['a', 'b', 'c', 'd']) await table.put(key, { name: key, tags: [] });
    const first = await table.scan({ limit: 2 });
    assert.ok(first.cursor !== undefined);
    await table.delete('b');
    await table.delete('c');
    await table.put('bb', { name: 'new', tags: [] });
    assert.deepEqual(await keysOf(table, { cursor: first.cursor }), ['bb', 'd']);
  });
}

function indexTests(tableTest: TableTest): void {
  tableTest('finds records by the terms of an index', async (table) => {
    await table.put('1', { name: 'Ada', tags: ['red', 'green'] });
    await table.put('2', { name: 'Bob', tags: ['green', 'green'] });
    await table.put('3', { name: 'Ada', tags: [] });
    assert.deepEqual(await keysOf(table, { index: 'name', exact: 'Ada' }), ['1', '3']);
    assert.deepEqual(await keysOf(table, { index: 'tag', exact: 'green' }), ['1', '2']);
    assert.deepEqual(await keysOf(table, { index: 'tag', prefix: 'gr' }), ['1', '2']);
    assert.deepEqual(await keysOf(table, { index: 'tag', exact: 'gr' }), []);
    assert.deepEqual(await keysOf(table, { index: 'tag' }), ['1', '2', '1']);
  });

  tableTest('follows a record that changes its terms or goes', async (table) => {
    await table.put('1', { name: 'Ada', tags: ['red', 'green'] });
    await table.put('1', { name: 'Eve', tags: ['green', 'blue'] });
    assert.deepEqual(await keysOf(table, { index: 'name', exact: 'Ada' }), []);
    assert.deepEqual(await keysOf(table, { index: 'tag', exact: 'red' }), []);
    assert.deepEqual(await keysOf(table, { index: 'tag', exact: 'blue' }), ['1']);
    await table.delete('1');
    assert.deepEqual(await keysOf(table, { index: 'tag' }), []);
  });

  tableTest('pages through many records of one term', async (table) => {
    const keys = Array.from({ length: 7 }, (_, n) => `k${n}`);
    for (const key of keys) await table.put(key, { name: 'same', tags: [] });
    const first = await table.scan({ index: 'name', exact: 'same', limit: 4 });
    assert.ok(first.cursor !== undefined);
    const rest = await keysOf(table, { index: 'name', exact: 'same', cursor: first.cursor });
    assert.deepEqual([...first.records.map((record) => record.key), ...rest], keys);
  });

  tableTest('refuses an index that is not declared', async (table) => {
    await assert.rejects(async () => table.scan({ index: 'colour', limit: 1 }), RangeError);
  });
}

function watchTests(tableTest: TableTest): void {
  tableTest('tells watchers of the changes under their prefix, in order', async (table) => {
    await table.put('a/1', { name: 'before', tags: [] });
    const changes: TableChange<TableSample>[] = [];
    const stop = table.watch('a/', (change) => changes.push(change));
    await table.put('a/1', { name: 'one', tags: [] });
    await table.put('b', { name: 'elsewhere', tags: [] });
    const revision = await table.put('a/1', { name: 'two', tags: [] });
    await table.delete('a/1');
    await eventually(() => changes.length >= 3);
    assert.deepEqual(
      changes.map((change) => [change.key, change.record?.value.name]),
      [
        ['a/1', 'one'],
        ['a/1', 'two'],
        ['a/1', undefined],
      ],
    );
    assert.equal(changes[1].record?.revision, revision);
    stop();
  });

  tableTest('tells nothing of a write that was refused, nor after the watch has ended', async (table) => {
    const first: TableChange<TableSample>[] = [];
    const second: TableChange<TableSample>[] = [];
    const stop = table.watch('', (change) => first.push(change));
    table.watch('', (change) => second.push(change));
    await assert.rejects(table.put('a', { name: 'refused', tags: [] }, 5));
    await table.delete('a');
    await table.put('a', { name: 'one', tags: [] });
    await eventually(() => first.length > 0 && second.length > 0);
    stop();
    await table.put('a', { name: 'two', tags: [] });
    await eventually(() => second.length > 1);
    assert.deepEqual(
      first.map((change) => change.record?.value.name),
      ['one'],
    );
    assert.deepEqual(
      second.map((change) => change.record?.value.name),
      ['one', 'two'],
    );
  });
}
