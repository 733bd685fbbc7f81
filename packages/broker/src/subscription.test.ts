import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Session } from './session.ts';
import { merge, Subscription, subscriptionOptions } from './subscription.ts';

const session = { clientId: 'a' } as unknown as Session;

test('reads back from the options byte what went into it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, 1, 2),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(0, 1, 2),
      (qos, noLocal, retainAsPublished, retainHandling) => {
        const one = new Subscription(
          session,
          'a',
          subscriptionOptions(qos, noLocal, retainAsPublished, retainHandling),
          [],
        );
        assert.deepEqual(
          [one.qos, one.noLocal, one.retainAsPublished, one.retainHandling],
          [qos, noLocal, retainAsPublished, retainHandling],
        );
      },
    ),
  );
});

test('knows a shared filter by its prefix', () => {
  assert.deepEqual(
    ['$share/g/a', '$shared/a', 'a'].map((filter) => new Subscription(session, filter, 0, []).isShared),
    [true, false, false],
  );
});

test('merges any number of overlapping subscriptions in any order to the same: highest QoS, all identifiers, RETAIN if any asks', () => {
  const one = fc.record({
    qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    identifier: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 5 }), (parts) => {
      const subscriptions = parts.map(
        ({ qos, noLocal, retainAsPublished, identifier }) =>
          new Subscription(
            session,
            'a',
            subscriptionOptions(qos, noLocal, retainAsPublished, 0),
            identifier === 0 ? [] : [identifier],
          ),
      );
      const all = merge(subscriptions);
      assert.equal(all.qos, Math.max(...parts.map((part) => part.qos)));
      assert.equal(
        all.retainAsPublished,
        parts.some((part) => part.retainAsPublished),
      );
      assert.deepEqual(
        [...all.identifiers].sort(),
        parts
          .map((part) => part.identifier)
          .filter((identifier) => identifier > 0)
          .sort(),
      );

      // For the session's own messages only those without No Local count [MQTT-3.8.3-3].
      const loud = parts.filter((part) => !part.noLocal);
      if (loud.length === 0) assert.equal(all.forOwn, undefined);
      else {
        assert.equal(all.forOwn?.qos, Math.max(...loud.map((part) => part.qos)));
        assert.equal(
          all.forOwn?.retainAsPublished,
          loud.some((part) => part.retainAsPublished),
        );
        assert.deepEqual(
          [...(all.forOwn?.identifiers ?? [])].sort(),
          loud
            .map((part) => part.identifier)
            .filter((identifier) => identifier > 0)
            .sort(),
        );
      }
    }),
  );
});
