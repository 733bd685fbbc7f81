import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TablePage, TableScan } from '@dunlin/broker';
import fc from 'fast-check';
import { CAMERA_ATTRIBUTES, testParts, testRegistry } from '../testing/registry.ts';
import type { DeviceInput } from './device-input.ts';
import type { StoredDevice } from './registry.ts';
import { type DeviceQuery, Registry } from './registry.ts';

const camera = (id: string, more: Partial<DeviceInput> = {}): DeviceInput => ({
  id,
  type: 'camera',
  attributes: CAMERA_ATTRIBUTES,
  ...more,
});

async function idsOf(registry: Registry, query: DeviceQuery): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await registry.list({ ...query, ...(cursor !== undefined && { cursor }) });
    assert.ok(page.devices.length <= (query.limit ?? 100));
    ids.push(...page.devices.map(({ device }) => device.id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

test('keeps what was added, and tells of it', async () => {
  const { registry, parts } = testRegistry();
  const nowMs = parts.clock.nowMs();
  const { revision } = await registry.add(camera('d1', { groups: ['b', 'a', 'b'], owner: 'ada' }), 'key k1');
  assert.deepEqual((await registry.get('d1'))?.device, {
    id: 'd1',
    type: 'camera',
    name: '',
    attributes: CAMERA_ATTRIBUTES,
    groups: ['a', 'b'],
    owner: 'ada',
    enabled: true,
    createdAtMs: nowMs,
    changedAtMs: nowMs,
  });
  assert.equal((await registry.get('d1'))?.revision, revision);
  assert.deepEqual(parts.events, [{ name: 'deviceAdded', deviceId: 'd1', type: 'camera', by: 'key k1' }]);
});

test('adds one device of an id', async () => {
  const { registry } = testRegistry();
  const added = await Promise.allSettled(Array.from({ length: 5 }, () => registry.add(camera('d1'), 'a')));
  assert.equal(added.filter(({ status }) => status === 'fulfilled').length, 1);
  await assert.rejects(registry.add(camera('d1'), 'a'), { code: 'device-exists' });
});

test('changes what a patch names and keeps the rest', async () => {
  const { registry, parts } = testRegistry();
  const { revision } = await registry.add(camera('d1', { owner: 'ada', name: 'one' }), 'a');
  parts.clock.pass(1_000);
  const changed = await registry.change(
    'd1',
    { owner: null, enabled: false, attributes: { thing: 't2', room: 'hall' } },
    { by: 'b' },
  );
  assert.ok(changed.revision > revision);
  const { device } = changed;
  assert.deepEqual(
    [device.owner, device.enabled, device.name, device.attributes, device.changedAtMs - device.createdAtMs],
    [undefined, false, 'one', { partner: 'p1', room: 'hall', space: 's1', thing: 't2' }, 1_000],
  );
  assert.deepEqual(parts.events.at(-1), {
    name: 'deviceChanged',
    deviceId: 'd1',
    fields: 'attributes, owner, enabled',
    by: 'b',
  });
  const removed = await registry.change('d1', { attributes: { room: null } }, { by: 'b' });
  assert.equal(Object.hasOwn(removed.device.attributes, 'room'), false);
  await assert.rejects(registry.change('d1', { attributes: { thing: null } }, { by: 'b' }), { code: 'invalid' });
});

test('writes nothing and tells nothing where nothing changes', async () => {
  const { registry, parts } = testRegistry();
  const { revision } = await registry.add(camera('d1'), 'a');
  assert.equal(
    (await registry.change('d1', { name: '', attributes: { thing: 't1' } }, { by: 'a' })).revision,
    revision,
  );
  assert.equal(parts.events.length, 1);
});

test('changes and removes only what is at the expected revision', async () => {
  const { registry } = testRegistry();
  const { revision } = await registry.add(camera('d1'), 'a');
  await registry.change('d1', { name: 'x' }, { by: 'a', expected: revision });
  await assert.rejects(registry.change('d1', { name: 'y' }, { by: 'a', expected: revision }), {
    code: 'changed-meanwhile',
  });
  await assert.rejects(registry.remove('d1', { by: 'a', expected: revision }), { code: 'changed-meanwhile' });
  await registry.remove('d1', { by: 'a' });
  await assert.rejects(registry.remove('d1', { by: 'a' }), { code: 'unknown-device' });
  await assert.rejects(registry.change('d1', {}, { by: 'a' }), { code: 'unknown-device' });
});

test('makes changes at the same time one after the other', async () => {
  const { registry } = testRegistry();
  await registry.add(camera('d1'), 'a');
  const names = ['a', 'b', 'c', 'd'];
  await Promise.all(names.map((name) => registry.change('d1', { attributes: { [name]: name } }, { by: 'a' })));
  assert.deepEqual(Object.keys((await registry.get('d1'))?.device.attributes ?? {}), [
    ...names,
    'partner',
    'space',
    'thing',
  ]);
});

test('gives another generation to a device that was removed and added anew', async () => {
  const { registry } = testRegistry();
  const first = await registry.add(camera('d1'), 'a');
  assert.equal((await registry.change('d1', { name: 'x' }, { by: 'a' })).generation, first.generation);
  await registry.remove('d1', { by: 'a' });
  assert.notEqual((await registry.add(camera('d1'), 'a')).generation, first.generation);
});

test('finds devices by type, group, owner, attribute, prefix and whether they are enabled, page by page', async () => {
  const { registry } = testRegistry();
  for (let n = 0; n < 30; n++) {
    const more = { groups: n % 2 === 0 ? ['even'] : [], enabled: n % 3 !== 0, ...(n < 5 && { owner: 'ada' }) };
    const id = `c${String(n).padStart(2, '0')}`;
    await registry.add(camera(id, { ...more, attributes: { ...CAMERA_ATTRIBUTES, n: String(n % 4) } }), 'a');
  }
  await registry.add({ id: 'p1', type: 'player', groups: ['even'] }, 'a');
  const all = await idsOf(registry, { limit: 7 });
  assert.equal(all.length, 31);
  assert.deepEqual(await idsOf(registry, { type: 'player' }), ['p1']);
  assert.equal((await idsOf(registry, { group: 'even', limit: 4 })).length, 16);
  assert.equal((await idsOf(registry, { group: 'even', type: 'camera', enabled: true, limit: 3 })).length, 10);
  assert.deepEqual(await idsOf(registry, { owner: 'ada', attribute: 'n=0' }), ['c00', 'c04']);
  assert.deepEqual(await idsOf(registry, { prefix: 'c1', enabled: false, limit: 1 }), ['c12', 'c15', 'c18']);
  for (const attribute of ['n=9', 'n', '=', 'constructor=', 'thing=t'])
    assert.deepEqual(await idsOf(registry, { attribute }), [], attribute);
});

test('lists what a plain filter of all devices finds, whatever is asked for', async () => {
  const query = fc.record(
    {
      type: fc.constantFrom('camera', 'player'),
      group: fc.constantFrom('g1', 'g2'),
      owner: fc.constantFrom('ada', 'bob'),
      attribute: fc.constantFrom('a=1', 'a=2'),
      prefix: fc.constantFrom('d', 'd1', 'x'),
      enabled: fc.boolean(),
      limit: fc.integer({ min: 1, max: 5 }),
    },
    { requiredKeys: [] },
  );
  const { registry } = testRegistry();
  for (let n = 0; n < 40; n++)
    await registry.add(
      {
        id: `d${n}`,
        type: n % 2 ? 'camera' : 'player',
        attributes: { ...CAMERA_ATTRIBUTES, a: `${n % 3}` },
        groups: n % 5 ? ['g1'] : ['g1', 'g2'],
        ...(n % 4 !== 0 && { owner: n % 4 === 1 ? 'ada' : 'bob' }),
        enabled: n % 7 !== 0,
      },
      'a',
    );
  const { devices } = await registry.list();
  await fc.assert(
    fc.asyncProperty(query, async (asked) => {
      const expected = devices
        .map(({ device }) => device)
        .filter(
          (device) =>
            (asked.type ?? device.type) === device.type &&
            (asked.owner ?? device.owner) === device.owner &&
            (asked.enabled ?? device.enabled) === device.enabled &&
            (asked.group === undefined || device.groups.includes(asked.group)) &&
            (asked.attribute === undefined || `a=${device.attributes.a}` === asked.attribute) &&
            device.id.startsWith(asked.prefix ?? ''),
        )
        .map(({ id }) => id);
      assert.deepEqual((await idsOf(registry, asked)).sort(), expected.sort());
    }),
  );
});

test('refuses limits and cursors that are none', async () => {
  const { registry } = testRegistry();
  await registry.add(camera('d1'), 'a');
  await registry.add(camera('d2'), 'a');
  for (const limit of [0, 1_001, 1.5, NaN]) await assert.rejects(registry.list({ limit }), { code: 'invalid' });
  const { cursor } = await registry.list({ limit: 1 });
  assert.ok(cursor !== undefined);
  await assert.rejects(registry.list({ type: 'camera', cursor }), { code: 'cursor-invalid' });
  const forged = Buffer.from(JSON.stringify(['', 'x'])).toString('base64url');
  await assert.rejects(registry.list({ cursor: forged }), { code: 'cursor-invalid' });
});

test('finds nothing under what cannot be an id, and reads nothing for it', async () => {
  const { registry } = testRegistry();
  await registry.add(camera('d1'), 'a');
  for (const id of ['', '../d1', 'd1/', 'd1\0', "' OR 1=1 --", 'constructor', '__proto__', 'x'.repeat(70_000)])
    assert.equal(await registry.get(id), undefined, id.slice(0, 20));
});

test('takes no attribute out of the prototype of an object, nor leaves one there', async () => {
  const { registry } = testRegistry();
  const attributes = JSON.parse('{"__proto__":"x"}');
  await assert.rejects(registry.add({ id: 'd1', type: 'player', attributes }, 'a'), { code: 'invalid' });
  const inherited = Object.create({ id: 'd2', type: 'player' });
  await assert.rejects(registry.add(inherited, 'a'), { code: 'invalid' });
  await registry.add({ id: 'd3', type: 'player', attributes: { constructor: 'x', toString: 'y' } as never }, 'a');
  assert.deepEqual(await idsOf(registry, { attribute: 'toString=y' }), ['d3']);
});

test('tells listeners of changes, until they stop', async () => {
  const { registry } = testRegistry();
  const told: [string, string | undefined][] = [];
  const stop = registry.onChange((id, found) => told.push([id, found?.device.name]));
  await registry.add(camera('d1'), 'a');
  await registry.change('d1', { name: 'x' }, { by: 'a' });
  await registry.remove('d1', { by: 'a' });
  stop();
  await registry.add(camera('d1'), 'a');
  assert.deepEqual(told, [
    ['d1', ''],
    ['d1', 'x'],
    ['d1', undefined],
  ]);
});

test('reads nothing when it opens, and no more than a page of many devices', async () => {
  const parts = testParts();
  const first = testRegistry(undefined, parts);
  for (let n = 0; n < 3_000; n++) await first.registry.add({ id: `d${n}`, type: 'player' }, 'a');
  let reads = 0;
  const table = parts.tables.table<StoredDevice>({ name: 'devices', indexes: {} });
  const counting = {
    get: (key: string) => {
      reads += 1;
      return table.get(key);
    },
    scan: (scan: TableScan): TablePage<StoredDevice> => {
      const page = table.scan(scan);
      reads += page.records.length;
      return page;
    },
    put: table.put.bind(table),
    delete: table.delete.bind(table),
    watch: table.watch.bind(table),
    close: table.close.bind(table),
  };
  const tables = { table: () => counting as never };
  const registry = new Registry({ ...parts, tables }, first.types);
  assert.equal(reads, 0);
  await registry.list({ type: 'player', limit: 10 });
  assert.equal(reads, 10);
});
