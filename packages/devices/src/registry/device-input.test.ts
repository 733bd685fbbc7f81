import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DeviceError } from '../device-error.ts';
import { CAMERA_ATTRIBUTES } from '../testing/registry.ts';
import { CAMERA, PLAYER } from '../testing/types.ts';
import { isAttributeValue, patchedDevice, readDeviceInput } from './device-input.ts';
import { DeviceTypes } from './types.ts';

const types = new DeviceTypes([CAMERA, PLAYER]);
const read = (input: unknown) => readDeviceInput(input, types, 1);
const camera = (attributes: Record<string, string>) => ({
  id: 'd1',
  type: 'camera',
  attributes: { ...CAMERA_ATTRIBUTES, ...attributes },
});

test('names every fault of a device in one error', () => {
  const odd = {
    id: 'a/b',
    type: 'constructor',
    attributes: { deviceId: 'x', 'a b': 'x', thing: 'a\0', note: 7 },
    groups: ['device-type:player', 'a;b', ''],
    owner: '',
    enabled: 'yes',
    authority: 'a:b',
    colour: 'red',
  };
  assert.throws(
    () => read(odd),
    ({ code, problems }: DeviceError) => {
      assert.equal(code, 'invalid');
      assert.deepEqual(
        problems.map((problem) => problem.split(' is ')[0]),
        [
          '"colour"',
          'id',
          'type',
          'an attribute',
          'an attribute',
          'attributes.thing',
          'attributes.note',
          'a group',
          'a group',
          'a group',
          'owner',
          'enabled',
          'authority',
        ],
      );
      return true;
    },
  );
  for (const none of [null, 1, 'x', []]) assert.throws(() => read(none), { code: 'invalid' });
});

test('refuses an attribute that would leave its level in a topic of the type', () => {
  for (const thing of ['a/b', '+', '#', 'a\0']) assert.throws(() => read(camera({ thing })), { code: 'invalid' });
  read(camera({ url: 'http://h/#+' }));
});

test('keeps the limits of a device', () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, 'x']));
  const player = (more: object) => read({ id: 'd1', type: 'player', ...more });
  player({ attributes: many(64), groups: Object.keys(many(64)), name: 'x'.repeat(256), owner: 'x'.repeat(256) });
  for (const more of [
    { attributes: many(65) },
    { attributes: { a: 'x'.repeat(1_025) } },
    { groups: Object.keys(many(65)) },
    { groups: ['x'.repeat(129)] },
    { name: 'x'.repeat(257) },
    { owner: 'x'.repeat(257) },
    { name: 'a\u202eb' },
    { owner: 'a\nb' },
  ])
    assert.throws(() => player(more), { code: 'invalid' });
});

test('returns a device or an error with faults, whatever it is given', () => {
  const before = read(camera({}));
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (input) => {
      for (const attempt of [() => read(input), () => patchedDevice(before, input, types, 2)])
        try {
          assert.ok(types.get(attempt().type));
        } catch (error) {
          assert.equal((error as DeviceError).code, 'invalid');
        }
    }),
  );
});

test('an attribute holds nothing that cannot be seen, and no spaces around it', () => {
  for (const value of [
    't\u200b1',
    't\u202e1',
    '\ufefft1',
    't1\u00ad',
    ' t1',
    't1 ',
    '\u00a0t1',
    't\u0000',
    'x'.repeat(1_025),
    '',
  ])
    assert.equal(isAttributeValue(value), false, JSON.stringify(value));
  for (const value of ['t1', 'the hall', 'Küche', '居間', 'a=b, c']) assert.equal(isAttributeValue(value), true, value);
});
