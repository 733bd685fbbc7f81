import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './suggestion.ts';

const names = ['queueMessagesMax', 'queueBytesMax', 'port', 'host'];

test('finds the name that was meant', () => {
  assert.equal(nearestName('queueMessageMax', names), 'queueMessagesMax');
  assert.equal(nearestName('QUEUEBYTESMAX', names), 'queueBytesMax');
  assert.equal(nearestName('prot', names), 'port');
});

test('suggests nothing for what is far from every name', () => {
  assert.equal(nearestName('certificate', names), undefined);
  assert.equal(nearestName('x', names), undefined);
  assert.equal(nearestName('foo', ['log', 'data']), undefined);
  assert.equal(nearestName('x'.repeat(10_000), names), undefined);
});
