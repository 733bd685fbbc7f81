import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testParts, testRegistry } from '../testing/registry.ts';
import { RemovedIds } from './removed-ids.ts';

const by = 'test';

function open(max: number, parts = testParts()) {
  const { registry } = testRegistry(undefined, parts);
  return { parts, registry, removed: new RemovedIds(parts, registry, max) };
}

test('remembers whoever was removed, and nobody else, across a restart', async () => {
  const { parts, registry, removed } = open(10);
  for (const id of ['p1', 'p2']) await registry.add({ id, type: 'player' }, by);
  await registry.remove('p1', { by });
  const removedAtMs = parts.clock.nowMs();
  await removed.close();
  const { removed: later } = open(10, parts);
  assert.deepEqual([await later.get('p1'), await later.get('p2')], [{ removedAtMs }, undefined]);
});

test('an id is not free before it is remembered', async () => {
  const { parts, registry, removed } = open(10);
  await registry.add({ id: 'p1', type: 'player' }, by);
  await registry.remove('p1', { by });
  const erased = parts.events.findIndex(({ name }) => name === 'deviceErased');
  assert.ok(erased >= 0 && (await removed.get('p1')) !== undefined);
  await registry.add({ id: 'p1', type: 'player' }, by);
});

test('those that were removed first are forgotten, which is told, and those of an earlier run count', async () => {
  const parts = testParts();
  const remove = async ({ registry }: ReturnType<typeof open>, ...ids: string[]) => {
    for (const id of ids) await registry.add({ id, type: 'player' }, by);
    for (const id of ids) {
      parts.clock.pass(1);
      await registry.remove(id, { by });
    }
  };
  const first = open(3, parts);
  await remove(first, 'a', 'b', 'c');
  await remove(first, 'a');
  assert.deepEqual(
    parts.events.filter(({ name }) => name === 'deviceLimitReached'),
    [],
  );
  await first.removed.close();
  const second = open(3, parts);
  await remove(second, 'd', 'e');
  const kept = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => second.removed.get(id)));
  assert.deepEqual(
    kept.map((one) => one !== undefined),
    [true, false, false, true, true],
  );
  const told = parts.events.filter((event) => event.name === 'deviceLimitReached');
  assert.deepEqual([told.length, told[0]?.limit], [1, 'removedIdsMax']);
});
