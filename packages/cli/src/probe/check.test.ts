import assert from 'node:assert/strict';
import { test } from 'node:test';
import { no, unclear } from './check.ts';
import { CHECK_GROUPS } from './probing.ts';

test('every check has a name of its own for programs, and words that fit into their column', () => {
  const checks = Object.values(CHECK_GROUPS).flat();
  assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
  for (const { id, what } of checks) {
    assert.match(id, /^[a-z0-9-]+$/);
    assert.ok(what.length <= 31, what);
  }
});

test('no is an answer, unclear is none', () => {
  assert.deepEqual(
    [no('a'), unclear('b')],
    [
      { tried: false, note: 'a' },
      { tried: undefined, note: 'b' },
    ],
  );
});
