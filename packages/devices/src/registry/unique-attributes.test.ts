import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from '../testing/clock.ts';
import { CAMERA_ATTRIBUTES, testParts, testRegistry } from '../testing/registry.ts';
import { CAMERA, deviceType } from '../testing/types.ts';
import { importDevices } from '../transfer/transfer.ts';

const by = 'test';
const UNIQUE = { ...CAMERA, uniqueAttributes: ['thing', 'serial'] };
/** Speaks of the same things, and says so; the other type does not. */
const TYPES = [
  UNIQUE,
  deviceType({ name: 'doorbell', uniqueAttributes: ['thing'] }),
  deviceType({ name: 'note', requiredAttributes: ['thing'] }),
];
const camera = (id: string, thing = `thing-${id}`, more: Record<string, string> = {}) => ({
  id,
  type: 'camera',
  attributes: { ...CAMERA_ATTRIBUTES, thing, ...more },
});
const TAKEN = { code: 'attribute-taken' };

test('no two devices have the value of a unique attribute, and who has it is not told', async () => {
  const { registry } = testRegistry(TYPES);
  await registry.add(camera('secret-id', 't1'), by);
  await assert.rejects(registry.add(camera('d2', 't1'), by), {
    code: 'attribute-taken',
    message:
      'Cannot give the device "d2" the attribute thing "t1": another device has it; a value of its own is expected, since ' +
      'thing is one of uniqueAttributes of the type camera',
  });
  assert.equal(await registry.get('d2'), undefined);
  await registry.add(camera('d2'), by);
  await assert.rejects(registry.change('d2', { attributes: { thing: 't1' } }, { by }), TAKEN);
  assert.equal((await registry.get('d2'))?.device.attributes['thing'], 'thing-d2');
  await registry.change('secret-id', { name: 'mine', attributes: { thing: 't1' } }, { by });
  await assert.rejects(registry.add(camera('secret-id', 't1'), by), { code: 'device-exists' });
});

test('that holds for all types that name the attribute, and for no other', async () => {
  const { registry } = testRegistry(TYPES);
  await registry.add(camera('d1', 't1'), by);
  await assert.rejects(registry.add({ id: 'd2', type: 'doorbell', attributes: { thing: 't1' } }, by), TAKEN);
  await registry.add({ id: 'd3', type: 'note', attributes: { thing: 't1' } }, by);
  await registry.add({ id: 'd4', type: 'note', attributes: { thing: 't1' } }, by);
  await assert.rejects(registry.change('d3', { type: 'doorbell' }, { by }), TAKEN, 'by another type too');
  await registry.add({ id: 'd5', type: 'doorbell' }, by);
  await registry.add({ id: 'd6', type: 'doorbell' }, by);
});

test('of many who take a value at once one gets it, however they come by it', async () => {
  const { registry } = testRegistry(TYPES);
  for (const id of ['a', 'b']) await registry.add(camera(id), by);
  const taking = [
    ...Array.from({ length: 5 }, (_, n) => registry.add(camera(`n${n}`, 'door', { serial: 's' }), by)),
    ...['a', 'b'].map((id) => registry.change(id, { attributes: { serial: 's', thing: 'door' } }, { by })),
  ];
  const results = await Promise.allSettled(taking);
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  const { devices } = await registry.list({ attribute: 'thing=door' });
  assert.equal(devices.length, 1);
});

test('an import names the line whose value another device has, also before anything is done', async () => {
  const { registry } = testRegistry(TYPES);
  await registry.add(camera('d1', 't1'), by);
  const lines = [camera('d2', 't1'), camera('d3', 't3'), camera('d4', 't3')].map((one) => `${JSON.stringify(one)}\n`);
  const file = async function* () {
    yield Buffer.from(lines.join(''));
  };
  const options = { format: 'json', registry, tokens: undefined, by } as const;
  const tried = await importDevices(file(), { ...options, isDryRun: true });
  assert.deepEqual([tried.added, tried.faults.map(({ line }) => line)], [2, [1]]);
  const done = await importDevices(file(), { ...options, isDryRun: false });
  assert.equal(done.added, 1);
  assert.deepEqual([done.faulty, done.faults[0].line], [2, 1]);
  assert.match(done.faults[0].problem, /another device has it/);
});

test('a value is free when nothing is left of the device that had it, and not before', async () => {
  const { registry } = testRegistry(TYPES);
  await registry.add(camera('d1', 't1'), by);
  const step = Promise.withResolvers<void>();
  registry.onRemoval(() => step.promise);
  const removed = registry.remove('d1', { by });
  await turns();
  await assert.rejects(registry.add(camera('d2', 't1'), by), TAKEN);
  step.resolve();
  await removed;
  await registry.add(camera('d2', 't1'), by);
  await registry.change('d2', { attributes: { thing: 't2' } }, { by });
  await registry.add(camera('d3', 't1'), by);
});

test('what devices had before it was unique stays, and everything else of them can be changed', async () => {
  const parts = testParts();
  const { registry: former } = testRegistry([CAMERA], parts);
  for (const id of ['d1', 'd2']) await former.add(camera(id, 't1'), by);
  const { registry } = testRegistry(TYPES, parts);
  await registry.change('d1', { enabled: false, attributes: { space: 's2' } }, { by });
  await assert.rejects(registry.add(camera('d3', 't1'), by), TAKEN);
  await registry.change('d2', { attributes: { thing: 't2' } }, { by });
  await assert.rejects(registry.change('d2', { attributes: { thing: 't1' } }, { by }), TAKEN);
});
