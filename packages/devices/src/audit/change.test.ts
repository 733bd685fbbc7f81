import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference } from './change.ts';

test('of two only what differs is named, with what is there in one of them alone', () => {
  const before = { name: 'a', groups: ['x'], owner: undefined as string | undefined };
  assert.deepEqual(difference(before, { ...before, groups: ['x', 'y'], owner: 'o' }), {
    before: { groups: ['x'], owner: undefined },
    after: { groups: ['x', 'y'], owner: 'o' },
  });
  assert.equal(difference(before, { ...before, groups: ['x'] }), undefined);
});
