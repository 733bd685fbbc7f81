import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCommandId } from './command.ts';

test('an id stands in a topic and in a path as it is', () => {
  for (const id of ['a', '0', '5f0f6d5e-5a7a-4a5f-9c52-6b1f0d6c2d11', 'A.b_c~d', '...', 'x'.repeat(128)])
    assert.ok(isCommandId(id), id);
  for (const id of ['', '.', '..', 'a/b', '+', '#', 'a b', 'ä', 'a\n', '$a', 'a%2fb', "a'", 'x'.repeat(129)])
    assert.ok(!isCommandId(id), id);
});
