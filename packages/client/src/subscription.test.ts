import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReceivedMessage } from './received-message.ts';
import { PendingSubscription, Subscription } from './subscription.ts';

function setUp(messagesMax = 2) {
  const acknowledged: number[] = [];
  let dropped = 0;
  let unsubscribed = 0;
  const owner = {
    unsubscribe: async () => {
      unsubscribed += 1;
    },
    dropped: () => {
      dropped += 1;
    },
  };
  const subscription = new Subscription(owner, ['a'], messagesMax);
  const deliver = (packetId: number, qos: 0 | 1 = 1): boolean => {
    const packet = { type: 'publish' as const, dup: false, retain: false, properties: {}, payload: new Uint8Array(0) };
    const message = new ReceivedMessage({ ...packet, topic: 'a', qos, packetId }, 'a');
    return subscription.deliver({ message, acknowledge: () => void acknowledged.push(packetId) });
  };
  return { subscription, deliver, acknowledged, counts: () => ({ dropped, unsubscribed }) };
}

test('a waiting loop takes a message at once', async () => {
  const { subscription, deliver } = setUp(0);
  const next = subscription[Symbol.asyncIterator]().next();
  assert.equal(deliver(1), true);
  assert.equal((await next).value?.packetId, 1);
});

test('above the limit QoS 1 is held back and QoS 0 dropped; taking one lets the next go', async () => {
  const { subscription, deliver, acknowledged, counts } = setUp(2);
  const iterator = subscription[Symbol.asyncIterator]();
  assert.deepEqual([deliver(1), deliver(2), deliver(3), deliver(4), deliver(0, 0)], [true, true, false, false, true]);
  assert.equal(counts().dropped, 1);
  await iterator.next();
  assert.deepEqual(acknowledged, [3]);
  await iterator.next();
  assert.deepEqual(acknowledged, [3, 4]);
  await iterator.next();
  await iterator.next();
  assert.deepEqual(acknowledged, [3, 4]);
});

test('the end lets go of what was held, hands out what was kept, and then is told to every reader', async () => {
  const { subscription, deliver, acknowledged } = setUp(1);
  const iterator = subscription[Symbol.asyncIterator]();
  deliver(1);
  deliver(2);
  subscription.finish(new Error('lost'));
  subscription.finish(undefined);
  assert.deepEqual(acknowledged, [2]);
  assert.equal((await iterator.next()).value?.packetId, 1);
  assert.equal((await iterator.next()).value?.packetId, 2);
  assert.deepEqual(acknowledged, [2]);
  await assert.rejects(iterator.next(), /lost/);
  assert.equal(subscription.isActive, false);
});

test('what is kept for a loop that never begins is let go at the limit', async () => {
  const { subscription, deliver, counts } = setUp(2);
  for (let packetId = 1; packetId <= 5; packetId++) assert.equal(deliver(packetId), true);
  const iterator = subscription[Symbol.asyncIterator]();
  deliver(6);
  assert.equal((await iterator.next()).value?.packetId, 6);
  assert.equal(counts().dropped, 0);
});

test('leaving the loop unsubscribes once', async () => {
  const { subscription, deliver, counts } = setUp();
  deliver(1);
  for await (const message of subscription) {
    assert.equal(message.packetId, 1);
    break;
  }
  await subscription.unsubscribe();
  assert.equal(counts().unsubscribed, 1);
});

test('a pending subscription is a promise and a stream', async () => {
  const { subscription, deliver } = setUp();
  deliver(1);
  const pending = new PendingSubscription(subscription, Promise.resolve(subscription));
  let isSettled = false;
  assert.equal(
    await pending.finally(() => {
      isSettled = true;
    }),
    subscription,
  );
  assert.equal(isSettled, true);
  for await (const message of pending) {
    assert.equal(message.packetId, 1);
    break;
  }
  const failing = new PendingSubscription(subscription, Promise.reject(new Error('refused')));
  assert.equal(await failing.catch((error) => String(error)), 'Error: refused');
});
