import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PERMIT_ALL } from './permit-all.ts';

test('permits every action, at the QoS that was asked for, and cannot be changed', () => {
  assert.deepEqual(
    [
      PERMIT_ALL.mayPublish('a', 2, true),
      PERMIT_ALL.mayLeaveWill('a', 2, true),
      PERMIT_ALL.maySubscribe('#', 2),
      PERMIT_ALL.mayReceiveAll('#'),
      PERMIT_ALL.mayReceive('a'),
      PERMIT_ALL.explain('publish', 'a', 2, true),
    ],
    [0, 0, 2, true, true, 'everything is permitted'],
  );
  assert.ok(Object.isFrozen(PERMIT_ALL));
});
