import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IndexEntry, OutboxIndex } from './outbox-index.ts';

const entry = (at: number, length: number): IndexEntry => ({ at, length, packetId: 0, state: 'waiting' });

test('changes since a point are taken back in their reverse order, those before it are not', () => {
  const index = new OutboxIndex();
  index.set(1, entry(0, 10));
  index.clientId = 'a';
  index.settle();
  const start = index.point();
  index.set(2, entry(10, 5));
  index.set(1, undefined);
  const middle = index.point();
  index.clientId = 'b';
  index.set(1, entry(20, 7));
  index.set(1, entry(30, 8));
  assert.deepEqual([index.get(1), index.livingBytes], [entry(30, 8), 13]);
  index.rollBack(middle);
  assert.deepEqual([index.get(1), index.get(2), index.livingBytes, index.clientId], [undefined, entry(10, 5), 5, 'a']);
  index.rollBack(start);
  assert.deepEqual([index.get(1), index.get(2), index.livingBytes, index.clientId], [entry(0, 10), undefined, 10, 'a']);
});
