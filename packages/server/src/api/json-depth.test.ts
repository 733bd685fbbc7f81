import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nestsAtMost } from './json-depth.ts';

test('levels are those of objects and lists', () => {
  assert.equal(nestsAtMost('text', 0), true);
  assert.equal(nestsAtMost(undefined, 0), true);
  assert.equal(nestsAtMost({}, 1), true);
  assert.equal(nestsAtMost({ a: [1, { b: null }] }, 3), true);
  assert.equal(nestsAtMost({ a: [1, { b: null }] }, 2), false);
});

test('no depth exhausts the stack', () => {
  assert.equal(nestsAtMost(JSON.parse(`${'['.repeat(500_000)}${']'.repeat(500_000)}`), 32), false);
});
