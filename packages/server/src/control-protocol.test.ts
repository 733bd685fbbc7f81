import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ControlError } from './control-protocol.ts';

test('an error carries the code that programs go by, and its cause where there is one', () => {
  const cause = new Error('why');
  const error = new ControlError('unreachable', 'Cannot reach it', cause);
  assert.deepEqual([error.code, error.message, error.cause], ['unreachable', 'Cannot reach it', cause]);
  assert.equal('cause' in new ControlError('failed', 'x'), false);
});
