import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Delivery } from './delivery.ts';
import { ReceivedMessage } from './received-message.ts';
import { pendingSubscription, Subscription } from './subscription.ts';
import { published } from './testing/fake-link.ts';

function setUp(messagesMax = 2, isManual = false, isHeard = false) {
  const acknowledged: number[] = [];
  const deliveries: Delivery[] = [];
  let dropped = 0;
  let held = 0;
  let unsubscribed = 0;
  const owner = {
    unsubscribe: async () => {
      unsubscribed += 1;
    },
    dropped: () => {
      dropped += 1;
    },
    held: () => {
      held += 1;
    },
    isHeard: () => isHeard,
  };
  const subscription = new Subscription(owner, ['a'], messagesMax, isManual);
  /** True where its acknowledgement may go out at once. */
  const deliver = (packetId: number, qos: 0 | 1 = 1): boolean => {
    let isHeld = true;
    const given = (): void => {
      if (isHeld) acknowledged.push(packetId);
    };
    const delivery = qos === 0 ? undefined : new Delivery(packetId, qos, given);
    subscription.deliver(new ReceivedMessage(published({ qos, packetId }), 'a', delivery), delivery);
    isHeld = false;
    delivery?.release();
    isHeld = true;
    if (delivery !== undefined) deliveries.push(delivery);
    return delivery?.isGiven ?? true;
  };
  return { subscription, deliver, deliveries, acknowledged, counts: () => ({ dropped, unsubscribed, held }) };
}

test('a waiting loop takes a message at once', async () => {
  const { subscription, deliver } = setUp(0);
  const next = subscription[Symbol.asyncIterator]().next();
  assert.equal(deliver(1), true);
  assert.equal((await next).value?.packetId, 1);
});

test('what comes again on a later connection is kept once above the limit, and holding back is told once', async () => {
  const { subscription, deliver, deliveries, counts } = setUp(1);
  const iterator = subscription[Symbol.asyncIterator]();
  for (let connection = 0; connection < 5; connection++) {
    for (const packetId of [1, 2, 3]) deliver(packetId);
    for (const delivery of deliveries.splice(0)) delivery.isStale = true;
  }
  assert.equal(counts().held, 1);
  subscription.finish(undefined);
  const identifiers: number[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next())
    identifiers.push(next.value.packetId);
  assert.deepEqual(identifiers, [1, 1, 2, 3]);
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

test('a loop that begins late gets all of QoS 1: above the limit it is held back until then', async () => {
  const { subscription, deliver, acknowledged, counts } = setUp(2);
  assert.deepEqual([deliver(1), deliver(2), deliver(3), deliver(4), deliver(0, 0)], [true, true, false, false, true]);
  assert.deepEqual(counts(), { dropped: 1, unsubscribed: 0, held: 1 });
  const iterator = subscription[Symbol.asyncIterator]();
  const identifiers: number[] = [];
  for (let taken = 0; taken < 4; taken++) identifiers.push((await iterator.next()).value?.packetId ?? 0);
  assert.deepEqual(
    [identifiers, acknowledged],
    [
      [1, 2, 3, 4],
      [3, 4],
    ],
  );
});

test('a handler that comes late gets what was held back, and its promise holds that on', async () => {
  const { subscription, deliver, acknowledged } = setUp(1);
  for (const packetId of [1, 2, 3]) deliver(packetId);
  const work = Promise.withResolvers<void>();
  const seen: number[] = [];
  subscription.on(({ packetId }) => {
    seen.push(packetId);
    return packetId === 3 ? work.promise : undefined;
  });
  assert.deepEqual([seen, acknowledged], [[1, 2, 3], [2]]);
  work.resolve();
  await work.promise;
  await Promise.resolve();
  assert.deepEqual(acknowledged, [2, 3]);
});

test('what is kept for a loop that never begins is let go at the limit where the application hears it elsewhere', async () => {
  const { subscription, deliver, counts } = setUp(2, false, true);
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
  const pending = pendingSubscription(subscription, Promise.resolve(subscription));
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
  const failing = pendingSubscription(subscription, Promise.reject(new Error('refused')));
  assert.equal(await failing.catch((error) => String(error)), 'Error: refused');
});

test('handlers come and go without the subscription; the first gets what was kept', async () => {
  const { subscription, deliver, counts } = setUp();
  deliver(1);
  const seen: string[] = [];
  const remove = subscription.on((message) => void seen.push(`first ${message.packetId}`));
  subscription.on((message) => void seen.push(`second ${message.packetId}`));
  deliver(2);
  remove();
  deliver(3);
  assert.deepEqual(seen, ['first 1', 'first 2', 'second 2', 'second 3']);
  assert.equal(counts().unsubscribed, 0);
});

test('a loop beside a handler leaves the subscription alone when it ends', async () => {
  const { subscription, deliver, counts } = setUp();
  subscription.on(() => {});
  const iterator = subscription[Symbol.asyncIterator]();
  deliver(1);
  assert.equal((await iterator.next()).value?.packetId, 1);
  await iterator.return?.();
  assert.deepEqual([counts().unsubscribed, subscription.isActive], [0, true]);
});

test('the acknowledgement waits for the promise of a handler', async () => {
  const { subscription, deliver, acknowledged } = setUp();
  const work = Promise.withResolvers<void>();
  subscription.on(() => work.promise);
  assert.equal(deliver(1), false);
  work.resolve();
  await work.promise;
  await Promise.resolve();
  assert.deepEqual(acknowledged, [1]);
});

test('with acknowledge: manual the application says when', () => {
  const { subscription, deliver, acknowledged } = setUp(2, true);
  const messages: ReceivedMessage[] = [];
  subscription.on((message) => void messages.push(message));
  assert.deepEqual([deliver(1), deliver(2), deliver(3, 0)], [false, false, true]);
  messages[1].acknowledge();
  messages[1].acknowledge();
  messages[2].acknowledge();
  assert.deepEqual(acknowledged, [2]);
  assert.throws(() => messages[0].acknowledge(0x11), { code: 'invalid' });
  messages[0].acknowledge(0x83);
  assert.deepEqual(acknowledged, [2, 1]);
});

test('with acknowledge: manual what nobody hears is acknowledged: without a handler, after the loop, at the limit, at the end', async () => {
  const handled = setUp(2, true);
  handled.subscription.on(() => {})();
  assert.equal(handled.deliver(1), true);

  const looped = setUp(2, true);
  const iterator = looped.subscription[Symbol.asyncIterator]();
  assert.deepEqual([looped.deliver(1), looped.deliver(2), looped.deliver(3)], [false, false, false]);
  await iterator.next();
  await iterator.return?.();
  assert.deepEqual(looped.acknowledged, [2, 3]);

  const elsewhere = setUp(1, true, true);
  assert.deepEqual([elsewhere.deliver(1), elsewhere.deliver(2)], [false, true]);
  assert.deepEqual(elsewhere.acknowledged, [1]);

  const ended = setUp(1, true);
  for (const packetId of [1, 2]) ended.deliver(packetId);
  ended.subscription.finish(undefined);
  assert.deepEqual(ended.acknowledged, [1, 2]);
});
