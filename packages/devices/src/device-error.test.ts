import assert from 'node:assert/strict';
import { test } from 'node:test';
import { throwProblems } from './device-error.ts';

test('names every fault in one error, and throws none without a fault', () => {
  throwProblems('add a device', []);
  assert.throws(() => throwProblems('add a device', ['a is b', 'c is d']), {
    code: 'invalid',
    message: 'Cannot add a device: a is b; c is d',
    problems: ['a is b', 'c is d'],
  });
});
