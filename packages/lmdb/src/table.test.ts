import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TableDefinition } from '@dunlin/broker';
import { tableContract } from '@dunlin/broker/contract/table';
import { openEnvironment } from './testing/directory.ts';

tableContract('LmdbTable', async (definition) => (await openEnvironment()).table(definition));

interface Device {
  readonly owner: string;
  readonly tags: readonly string[];
}
const devices: TableDefinition<Device> = {
  name: 'devices',
  indexes: { owner: (value) => [value.owner], tag: (value) => value.tags },
};

test('keeps records, indexes and rising revisions over a restart', async () => {
  const environment = await openEnvironment();
  const table = environment.table(devices);
  const first = await table.put('a', { owner: 'Ada', tags: ['x', 'y'] });
  await table.delete('a');
  await table.put('b', { owner: 'Bob', tags: [] });
  await environment.close();
  const again = (await openEnvironment({ directory: environment.directory })).table(devices);
  assert.equal(await again.get('a'), undefined);
  assert.equal((await again.get('b'))?.value.owner, 'Bob');
  assert.deepEqual(
    (await again.scan({ index: 'owner', limit: 9 })).records.map(({ key }) => key),
    ['b'],
  );
  assert.ok((await again.put('a', { owner: 'Eve', tags: [] })) > first + 1);
});

test('keeps tables apart whose names begin alike', async () => {
  const environment = await openEnvironment();
  const [short, long] = ['user', 'user-a'].map((name) =>
    environment.table<string>({ name, indexes: { all: () => ['t'] } }),
  );
  await short.put('a', 'short');
  await long.put('a', 'long');
  for (const [table, value] of [
    [short, 'short'],
    [long, 'long'],
  ] as const) {
    assert.deepEqual(
      (await table.scan({ limit: 9 })).records.map((record) => record.value),
      [value],
    );
    assert.deepEqual(
      (await table.scan({ index: 'all', limit: 9 })).records.map((record) => record.value),
      [value],
    );
  }
});

for (const [name, textHash] of [
  ['hashes that differ', undefined],
  ['one hash', () => Buffer.alloc(16)],
] as const)
  test(`finds records by terms longer than a key (${name})`, async () => {
    const environment = await openEnvironment(textHash === undefined ? {} : { textHash });
    const table = environment.table(devices);
    const [one, two] = ['1', '2'].map((end) => 'ä'.repeat(40_000) + end);
    await table.put('a', { owner: one, tags: [one, two, 'short'] });
    await table.put('b', { owner: two, tags: [] });
    const keys = async (index: string, scan: { exact?: string; prefix?: string }) =>
      (await table.scan({ index, ...scan, limit: 9 })).records.map(({ key }) => key);
    assert.deepEqual(await keys('owner', { exact: one }), ['a']);
    assert.deepEqual(await keys('owner', { exact: two }), ['b']);
    assert.deepEqual((await keys('owner', { prefix: 'ä'.repeat(3_000) })).sort(), ['a', 'b']);
    assert.deepEqual(await keys('owner', { prefix: `${'ä'.repeat(40_000)}2` }), ['b']);
    assert.deepEqual(await keys('owner', { exact: 'ä'.repeat(40_000) }), []);
    assert.deepEqual(await keys('tag', { exact: two }), ['a']);
    await table.put('a', { owner: two, tags: [two] });
    assert.deepEqual([await keys('owner', { exact: one }), await keys('tag', { exact: one })], [[], []]);
    assert.deepEqual(await keys('tag', { exact: two }), ['a']);
    await table.delete('a');
    assert.deepEqual(await keys('tag', {}), []);
    assert.deepEqual((await environment.check()).problems, []);
  });

test('makes indexes anew when others are declared', async () => {
  const environment = await openEnvironment();
  const before = environment.table<Device>({ name: 'devices', indexes: { owner: devices.indexes.owner } });
  for (let n = 0; n < 1_200; n++) await before.put(`k${n}`, { owner: `o${n % 3}`, tags: [`t${n % 2}`] });
  await before.close();
  const table = environment.table<Device>({ name: 'devices', indexes: { tag: devices.indexes.tag } });
  // It waits until they are made.
  assert.equal((await table.scan({ index: 'tag', exact: 't1', limit: 10_000 })).records.length, 600);
  await table.put('k0', { owner: 'o0', tags: ['t1'] });
  assert.equal((await table.scan({ index: 'tag', exact: 't1', limit: 10_000 })).records.length, 601);
  await assert.rejects(async () => table.scan({ index: 'owner', limit: 1 }), RangeError);
  assert.deepEqual((await environment.check()).problems, []);
});

test('shows a write to readers and watchers when it is committed, to other writers at once', async () => {
  const table = (await openEnvironment()).table(devices);
  const seen: (string | undefined)[] = [];
  table.watch('', ({ record }) => seen.push(record?.value.owner));
  const writing = table.put('a', { owner: 'Ada', tags: [] }, 0);
  assert.equal(await table.get('a'), undefined);
  assert.deepEqual(seen, []);
  await assert.rejects(table.put('a', { owner: 'Eve', tags: [] }, 0), { code: 'revision-conflict' });
  const revision = await writing;
  assert.deepEqual(seen, ['Ada']);
  assert.equal((await table.get('a'))?.revision, revision);
  const [deleted, later] = await Promise.all([
    table.delete('a', revision),
    table.put('a', { owner: 'Bob', tags: [] }, 0),
  ]);
  assert.ok(deleted && later > revision);
  assert.deepEqual(seen, ['Ada', undefined, 'Bob']);
});

test('refuses names that do not fit into keys', async () => {
  const environment = await openEnvironment();
  for (const name of ['', 'Upper', 'a b', 'x'.repeat(65)])
    assert.throws(() => environment.table({ name, indexes: {} }), RangeError);
  assert.throws(() => environment.table({ name: 'a', indexes: { 'a\0b': () => [] } }), RangeError);
});
