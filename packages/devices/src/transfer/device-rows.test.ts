import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../device.ts';
import type { DeviceError } from '../device-error.ts';
import { headerOf, readHeader, rowOf } from './device-rows.ts';

const device: Device = {
  id: 'd1',
  type: 'camera',
  name: 'Hall',
  attributes: { room: 'a,b', note: 'x' },
  groups: ['g', 'h'],
  owner: undefined,
  enabled: false,
  authority: 'acme',
  createdAtMs: 1,
  changedAtMs: 1,
};

test('writes a column for each attribute, and one for the rest', () => {
  assert.deepEqual(headerOf(['room']), [
    'id',
    'type',
    'name',
    'groups',
    'owner',
    'enabled',
    'authority',
    'attributes',
    'attr.room',
  ]);
  assert.deepEqual(rowOf(device, ['room', 'none']), [
    'd1',
    'camera',
    'Hall',
    'g;h',
    '',
    'false',
    'acme',
    '{"note":"x"}',
    'a,b',
    '',
  ]);
});

test('reads a row as what it says of a device', () => {
  const form = readHeader([...headerOf(['room', 'none']), 'token']);
  assert.deepEqual(form.read([...rowOf(device, ['room', 'none']), '']), {
    id: 'd1',
    type: 'camera',
    name: 'Hall',
    groups: ['g', 'h'],
    owner: null,
    enabled: false,
    authority: 'acme',
    attributes: { note: 'x', room: 'a,b', none: null },
    token: undefined,
  });
  assert.deepEqual(readHeader(['id', 'enabled']).read(['d1', 'TRUE']), { id: 'd1', enabled: true });
  assert.deepEqual(readHeader(['id', 'enabled', 'type', 'name']).read(['d1', '', '', '']), {
    id: 'd1',
    enabled: undefined,
    type: undefined,
    name: '',
  });
});

test('says why a row cannot be read', () => {
  assert.match(String(readHeader(['id', 'type']).read(['d1'])), /1 fields: 2 are expected/);
  for (const text of ['x', '[]', '1', 'null'])
    assert.match(String(readHeader(['id', 'attributes']).read(['d1', text])), /no group in JSON/);
});

test('names every fault of a header', () => {
  assert.throws(
    () => readHeader(['type', 'type', 'colour', 'attr.', 'attr.__proto__']),
    ({ code, problems }: DeviceError) => code === 'invalid' && problems.length === 5,
  );
});
