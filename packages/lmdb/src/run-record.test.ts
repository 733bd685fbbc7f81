import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayBeTorn, readBootId } from './run-record.ts';

const run = { durability: 'process', bootId: 'a', isClean: false } as const;

test('takes a store for torn only where the machine went down before it was flushed', () => {
  assert.equal(mayBeTorn(undefined, 'a'), false);
  assert.equal(mayBeTorn(run, 'a'), false);
  assert.equal(mayBeTorn(run, 'b'), true);
  assert.equal(mayBeTorn({ ...run, isClean: true }, 'b'), false);
  assert.equal(mayBeTorn({ ...run, durability: 'durable' }, 'b'), false);
});

test('takes it for torn where nobody can tell', () => {
  assert.equal(mayBeTorn({ ...run, bootId: '' }, ''), true);
});

test('reads the same boot twice', () => {
  assert.equal(readBootId(), readBootId());
});
