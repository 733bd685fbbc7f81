import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Device } from '../device.ts';
import { deviceType } from '../testing/types.ts';
import { ownFilters } from './own-filters.ts';
import { compileType } from './types.ts';

const device = { id: 'd1', type: 'x', attributes: { thing: 't1', space: 's1', odd: 'a/b' } } as unknown as Device;

function filtersOf(topics: string | readonly string[], effect: 'allow' | 'deny' = 'allow'): string[] {
  const rule = effect === 'allow' ? { allow: ['publish', 'subscribe'], topics } : { deny: 'publish', topics };
  const type = deviceType({
    name: 'x',
    requiredAttributes: ['thing', 'space'],
    uniqueAttributes: ['thing', 'odd'],
    rules: [rule as never],
  });
  return ownFilters(compileType(type), device);
}

test('a topic with the id or a unique attribute in a level is of the device alone', () => {
  assert.deepEqual(filtersOf(['a/{username}/#', 'a/{username}/#', 'b/{attr.thing}', '{attr.space}/x-{username}/+']), [
    'a/d1/#',
    'b/t1',
    's1/x-d1/+',
  ]);
  assert.deepEqual(filtersOf(['{cn}/{attr.deviceType}/{attr.deviceId}']), ['d1/x/d1']);
});

test('one that other devices may have too is not', () => {
  assert.deepEqual(filtersOf(['all', '#', 'space/{attr.space}/#', 'a/{attr.space}-{username}', 'c/{clientId}']), []);
  assert.deepEqual(filtersOf('a/{username}', 'deny'), []);
});

test('nor is one that cannot be filled in for the device, or of the server', () => {
  assert.deepEqual(
    filtersOf(['a/{username}/{clientId}', 'b/{attr.odd}', '$SYS/{username}', 'a/{username}/{attr.no}']),
    [],
  );
});
