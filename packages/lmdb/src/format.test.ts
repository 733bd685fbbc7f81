import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureFormat } from './format.ts';

function store(version: number | undefined, isEmpty = version === undefined) {
  const written: number[] = [];
  return { path: 'data.mdb', version, isEmpty, written, write: async (next: number) => void written.push(next) };
}

test('writes the present version into a new store', async () => {
  const empty = store(undefined);
  await ensureFormat(empty, {}, 3);
  assert.deepEqual(empty.written, [3]);
});

test('leaves a store of the present version alone', async () => {
  const present = store(3);
  await ensureFormat(present, {}, 3);
  assert.deepEqual(present.written, []);
});

test('takes an older store through every version between', async () => {
  const old = store(1);
  const migrated: number[] = [];
  const migration = (version: number) => async () => void migrated.push(version);
  await ensureFormat(old, { 1: migration(1), 2: migration(2) }, 3);
  assert.deepEqual(migrated, [1, 2]);
  assert.deepEqual(old.written, [2, 3]);
});

test('refuses a newer store, one without a version and one that never was', async () => {
  await assert.rejects(ensureFormat(store(4), {}, 3), {
    code: 'newer-format',
    message: 'Cannot open data.mdb: it has format 4, this program knows formats up to 3; use a newer program',
  });
  await assert.rejects(ensureFormat(store(undefined, false), {}, 3), { code: 'damaged' });
  await assert.rejects(ensureFormat(store(0), {}, 3), { code: 'damaged' });
});
