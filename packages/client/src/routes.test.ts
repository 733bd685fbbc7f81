import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from './received-message.ts';
import { Routes } from './routes.ts';
import { Subscription } from './subscription.ts';

const owner = { unsubscribe: () => Promise.resolve(), dropped: () => {} };
const message = (topic: string) =>
  new ReceivedMessage(
    {
      type: 'publish',
      dup: false,
      qos: 1,
      retain: false,
      topic,
      packetId: 1,
      properties: {},
      payload: new Uint8Array(0),
    },
    topic,
  );

test('a message reaches the subscriptions whose filters match, each once', () => {
  const routes = new Routes();
  const seen: string[] = [];
  for (const filters of [['a/#', 'a/+'], ['+/b'], ['$share/g/a/b'], ['c']]) {
    routes.add(new Subscription(owner, filters, 10, () => void seen.push(filters[0])));
  }
  const acknowledged: string[] = [];
  routes.deliver({ message: message('a/b'), acknowledge: () => void acknowledged.push('yes') });
  assert.deepEqual(seen.sort(), ['$share/g/a/b', '+/b', 'a/#']);
  assert.equal(acknowledged.length, 1);
});

test('a message nobody wants is acknowledged', () => {
  const acknowledged: string[] = [];
  new Routes().deliver({ message: message('x'), acknowledge: () => void acknowledged.push('yes') });
  assert.equal(acknowledged.length, 1);
});

test('an acknowledgement waits for the last of those that hold it back', async () => {
  const routes = new Routes();
  const full = ['a', '+'].map((filter) => new Subscription(owner, [filter], 0));
  const iterators = full.map((subscription) => {
    routes.add(subscription);
    return subscription[Symbol.asyncIterator]();
  });
  const acknowledged: string[] = [];
  routes.deliver({ message: message('a'), acknowledge: () => void acknowledged.push('yes') });
  await iterators[0].return?.();
  assert.equal(acknowledged.length, 0);
  await iterators[1].return?.();
  assert.equal(acknowledged.length, 1);
});

test('removing tells which filters nobody has any more', () => {
  const routes = new Routes();
  const first = new Subscription(owner, ['a', 'b'], 10);
  const second = new Subscription(owner, ['b'], 10);
  routes.add(first);
  routes.add(second);
  assert.deepEqual(routes.onlyOf(first), ['a']);
  assert.deepEqual(routes.withFilter('b'), [first, second]);
  assert.equal(routes.all().size, 2);
  assert.deepEqual(routes.remove(first), ['a']);
  assert.deepEqual(routes.remove(first), []);
  assert.deepEqual(routes.remove(second), ['b']);
  assert.equal(routes.all().size, 0);
});
