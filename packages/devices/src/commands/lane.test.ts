import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lane } from './lane.ts';

function lane(...entries: readonly [id: string, type: string, order: number][]): Lane {
  const made = new Lane('d', 'complete');
  made.add(entries.map(([id, type, order]) => ({ id, type, order })));
  return made;
}
const ids = (made: Lane, max = 9) => made.take(max).map(({ id }) => id);

test('one of each type goes at a time, the oldest first', () => {
  const made = lane(['a', 'wake', 1], ['b', 'wake', 2], ['c', 'sleep', 3]);
  const [first, other] = made.take(9);
  assert.deepEqual([first.id, other.id], ['a', 'c']);
  assert.deepEqual(ids(made), []);
  made.settle(first, 'given');
  assert.deepEqual(ids(made), ['b']);
});

test('no more are on their way than may be', () => {
  const made = lane(['a', 't1', 1], ['b', 't2', 2], ['c', 't3', 3]);
  assert.deepEqual(ids(made, 2), ['a', 'b']);
  assert.deepEqual(ids(made, 2), []);
  assert.deepEqual(ids(made, 3), ['c']);
});

test('one that ends on its way holds the next of its type until it is known how it fared', () => {
  const made = lane(['a', 't', 1], ['b', 't', 2]);
  const [first] = made.take(9);
  made.end('a');
  assert.deepEqual([made.has(first), ids(made)], [false, []]);
  made.settle(first, 'waiting');
  assert.deepEqual(ids(made), ['b']);
  made.end('b');
});

test('what comes twice is there once, and what was given is not taken again', () => {
  const made = lane(['a', 't', 1]);
  const [entry] = made.take(9);
  made.settle(entry, 'given');
  made.add([entry]);
  assert.deepEqual(ids(made), []);
});

test('what is found later stands in the order of request', () => {
  const made = lane(['c', 't', 3]);
  made.add([
    { id: 'a', type: 't', order: 1 },
    { id: 'd', type: 't', order: 4 },
    { id: 'b', type: 't', order: 2 },
  ]);
  const order: string[] = [];
  for (let entry = made.take(1)[0]; entry !== undefined; entry = made.take(1)[0]) {
    order.push(entry.id);
    made.end(entry.id);
    assert.equal(made.has(entry), false);
    made.settle(entry, 'given');
  }
  assert.deepEqual(order, ['a', 'b', 'c', 'd']);
});
