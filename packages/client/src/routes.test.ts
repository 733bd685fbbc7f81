import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from './delivery.ts';
import { ReceivedMessage } from './received-message.ts';
import { Routes } from './routes.ts';
import { Subscription } from './subscription.ts';
import { published } from './testing/fake-link.ts';

const owner = { unsubscribe: () => Promise.resolve(), dropped: () => {}, held: () => {}, isHeard: () => false };
const message = (topic: string, subscriptionIdentifiers?: number[]) =>
  new ReceivedMessage(
    published({ topic, properties: subscriptionIdentifiers ? { subscriptionIdentifiers } : {} }),
    topic,
  );

function add(routes: Routes, filters: string[], handler?: () => void, messagesMax = 10) {
  const subscription = new Subscription(owner, filters, messagesMax, false);
  if (handler !== undefined) subscription.on(handler);
  const plain = { qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
  const requests = filters.map((filter) => ({ filter, ...plain }));
  const identifier = routes.add(subscription, requests, {});
  return { subscription, identifier };
}

function withCounts() {
  const routes = new Routes();
  const seen: string[] = [];
  const identifiers = [['a/#', 'a/+'], ['+/b'], ['$share/g/a/b'], ['c']].map(
    (filters) => add(routes, filters, () => void seen.push(filters[0])).identifier,
  );
  return { routes, seen, identifiers };
}

test('without identifiers a message reaches the subscriptions whose filters match, each once', () => {
  const { routes, seen } = withCounts();
  routes.deliver(message('a/b'), undefined);
  assert.deepEqual(seen.sort(), ['$share/g/a/b', '+/b', 'a/#']);
});

test('with identifiers a message reaches those it is for; unknown or wrong ones are not believed', () => {
  const { routes, seen, identifiers } = withCounts();
  routes.deliver(message('a/b', [identifiers[1]]), undefined);
  assert.deepEqual(seen.splice(0), ['+/b']);
  routes.deliver(message('a/b', [identifiers[0], identifiers[1]]), undefined);
  assert.deepEqual(seen.splice(0).sort(), ['+/b', 'a/#']);
  for (const strange of [[999], [identifiers[3]], [identifiers[1], 999]]) {
    routes.deliver(message('a/b', strange), undefined);
    assert.deepEqual(seen.splice(0).sort(), ['$share/g/a/b', '+/b', 'a/#'], String(strange));
  }
});

test('a second subscription to a filter takes its identifier over, and both get the messages', () => {
  const routes = new Routes();
  const seen: string[] = [];
  const first = add(routes, ['a'], () => void seen.push('first'));
  const second = add(routes, ['a'], () => void seen.push('second'));
  routes.deliver(message('a', [second.identifier]), undefined);
  routes.deliver(message('a', [first.identifier]), undefined);
  assert.deepEqual(seen, ['first', 'second', 'first', 'second']);
});

test('local handlers get what arrives anyway, until they are removed', () => {
  const { routes, seen, identifiers } = withCounts();
  const remove = routes.handle('a/+', () => void seen.push('local'));
  routes.deliver(message('a/b', [identifiers[1]]), undefined);
  remove();
  routes.deliver(message('a/b', [identifiers[1]]), undefined);
  assert.deepEqual(seen, ['+/b', 'local', '+/b']);
});

test('an acknowledgement waits for the last of those that hold it back', async () => {
  const routes = new Routes();
  const iterators = ['a', '+'].map((filter) =>
    add(routes, [filter], undefined, 0).subscription[Symbol.asyncIterator](),
  );
  let given = 0;
  const delivery = new Delivery(1, 1, () => {
    given += 1;
  });
  routes.deliver(message('a'), delivery);
  delivery.release();
  await iterators[0].return?.();
  assert.equal(given, 0);
  await iterators[1].return?.();
  assert.equal(given, 1);
});

test('what is left when a subscription goes, and what a server that forgot is asked for', () => {
  const routes = new Routes();
  const { subscription: first, identifier } = add(routes, ['a', 'b']);
  const { subscription: second } = add(routes, ['b']);
  assert.deepEqual(routes.onlyOf(first), ['a']);
  assert.deepEqual([routes.all().size, routes.groups()], [2, []]);
  routes.granted('a');
  assert.deepEqual(
    routes.groups().map((group) => [group.identifier, group.requests.map(({ filter }) => filter)]),
    [[identifier, ['a']]],
  );
  routes.remove(first);
  routes.remove(first);
  assert.deepEqual([...routes.all()], [second]);
  routes.remove(second);
  assert.equal(routes.all().size, 0);
});

test('leaving filters takes them from who has them then, and gives who has none left', () => {
  const routes = new Routes();
  const { subscription: first } = add(routes, ['a']);
  const { subscription: second } = add(routes, ['a', 'b']);
  const left = routes.leaving(['a']);
  const { subscription: later } = add(routes, ['a']);
  assert.deepEqual(left(), [first]);
  assert.deepEqual([...routes.all()], [later, second]);
  // The filter of a subscription that lost it is that of the later one.
  assert.deepEqual([routes.onlyOf(second), routes.onlyOf(later)], [['b'], ['a']]);
});
