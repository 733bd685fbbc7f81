import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SubscriptionRequest } from '@dunlin/protocol';
import type { Alter } from '../contract/altering-wire.ts';
import { altered, probed, without } from '../contract/probed-server.ts';
import { SUBSCRIPTION_CHECKS } from './subscription-checks.ts';

const find = probed.bind(undefined, SUBSCRIPTION_CHECKS);

/** A server that takes other subscriptions than were asked for. */
function subscribing(change: (one: SubscriptionRequest) => Partial<SubscriptionRequest>): { toServer: Alter } {
  return {
    toServer: altered('subscribe', (packet) => ({
      ...packet,
      subscriptions: packet.subscriptions.map((one) => ({ ...one, ...change(one) })),
    })),
  };
}

describe('checks of subscriptions', { concurrency: 4 }, () => {
  test('on a good server every check says yes', async () => {
    for (const { id } of SUBSCRIPTION_CHECKS) assert.equal((await find(id)).tried, true, id);
  });

  test('wildcards that are names', async () => {
    const literal = subscribing(({ filter }) => ({ filter: filter.replace(/[+#]/g, 'sign') }));
    assert.match(String((await find('wildcard-plus', literal)).note), /taken as a name/);
    assert.match(String((await find('wildcard-hash', literal)).note), /taken as a name/);
    const greedy = subscribing(({ filter }) => ({ filter: filter.replace('+/end', '#') }));
    assert.deepEqual(await find('wildcard-plus', greedy), { tried: false, note: 'it takes more than one level' });
    const below = subscribing(({ filter }) => ({ filter: filter.replace('#', '+/#') }));
    assert.deepEqual(await find('wildcard-hash', below), { tried: false, note: 'it leaves out the level above' });
  });

  test('shared subscriptions: each member gets all, or $share is a name', async () => {
    const all = subscribing(({ filter }) => ({ filter: filter.replace(/^\$share\/probe\//, '') }));
    assert.match(String((await find('shared-subscriptions', all)).note), /^not shared: 20 messages, 20 and 20/);
    const name = subscribing(({ filter }) => ({ filter: filter.replace('$share', 'share') }));
    assert.match(String((await find('shared-subscriptions', name)).note), /taken as the name of a topic/);
  });

  test('options that are ignored', async () => {
    const ignored = subscribing(() => ({ noLocal: false, retainAsPublished: false, retainHandling: 0 }));
    assert.deepEqual(await find('no-local', ignored), { tried: false, note: 'the own message came back' });
    assert.equal((await find('retain-as-published', ignored)).tried, false);
    assert.deepEqual(await find('retain-handling', ignored), {
      tried: false,
      note: '2 sends it, 1 sends it again',
    });
    const never = subscribing(() => ({ retainHandling: 2 }));
    assert.deepEqual(await find('retain-handling', never), {
      tried: false,
      note: '0 does not send it again, 1 does not send it at first',
    });
  });

  test('Subscription Identifiers that do not come back', async () => {
    const lost = { toClient: without('publish', 'subscriptionIdentifiers') };
    assert.deepEqual(await find('subscription-identifiers', lost), { tried: false, note: 'messages come without' });
  });
});
