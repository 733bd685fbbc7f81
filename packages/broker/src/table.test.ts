import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RevisionConflict } from './table.ts';

test('says which record has which revision and which was expected', () => {
  const conflict = new RevisionConflict('users', 'a"b', 3, 5);
  assert.equal(conflict.message, 'Cannot write "a\\"b" of users: its revision is 5, expected was 3');
  assert.equal(conflict.code, 'revision-conflict');
  assert.deepEqual([conflict.key, conflict.expected, conflict.actual], ['a"b', 3, 5]);
});
