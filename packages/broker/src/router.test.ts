import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { resolveLimits } from './limits.ts';
import { createMetrics } from './metrics.ts';
import { plainFilter, Router } from './router.ts';
import type { Session } from './session.ts';
import { Subscription, subscriptionBytes } from './subscription.ts';
import { TopicTable } from './topics.ts';

const sessions = Array.from({ length: 4 }, (_, i) => ({ clientId: `c${i}` }) as unknown as Session);

function topics(): TopicTable {
  return new TopicTable(resolveLimits(), true, createMetrics());
}

function subscription(filter: string, session = 0, options = 0, identifiers: number[] = []): Subscription {
  return new Subscription(sessions[session], filter, options, identifiers);
}

/** Section 4.7, as slowly and plainly as it is written. */
function matchesNaively(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false;
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length || (wanted[i] !== '+' && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}

function naively(filter: string, topic: string): boolean {
  return matchesNaively(filter, topic) || (filter.endsWith('/#') && matchesNaively(filter.slice(0, -2), topic));
}

test('knows a topic that was matched before, until a subscription below its first level changes', () => {
  const router = new Router();
  const table = topics();
  const [a, b] = [table.named('a/1'), table.named('b/1')];
  router.add(subscription('a/+'));
  const known = [router.match(a), router.match(b)];
  router.add(subscription('a/1', 1));
  assert.equal(router.match(b), known[1]);
  assert.deepEqual(
    router
      .match(a)
      .subscriptions.map((found) => found.session.clientId)
      .sort(),
    ['c0', 'c1'],
  );
});

test('sees a changed subscription with a wildcard in front at every topic', () => {
  const router = new Router();
  const table = topics();
  const [a, b] = [table.named('a'), table.named('b/c')];
  assert.deepEqual([router.match(a).subscriptions, router.match(b).subscriptions], [[], []]);
  const everything = subscription('#');
  router.add(everything);
  assert.deepEqual([router.match(a).subscriptions, router.match(b).subscriptions], [[everything], [everything]]);
  router.remove(everything);
  assert.deepEqual([router.match(a).subscriptions, router.match(b).subscriptions], [[], []]);
});

test('sees the first subscription of a first level, and the one after the last was removed', () => {
  const router = new Router();
  const topic = topics().named('a/b');
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(router.match(topic).subscriptions, []);
    const added = subscription('a/b');
    router.add(added);
    assert.deepEqual(router.match(topic).subscriptions, [added]);
    router.remove(added);
  }
});

test('keeps a leading wildcard away from topics with $ [MQTT-4.7.2-1]', () => {
  const router = new Router();
  for (const filter of ['#', '+/x', '$SYS/#']) router.add(subscription(filter, filter === '$SYS/#' ? 1 : 0));
  assert.deepEqual(
    router.match(topics().named('$SYS/x')).subscriptions.map((found) => found.session.clientId),
    ['c1'],
  );
});

test('matches the parent level with "#" (4.7.1.2)', () => {
  const router = new Router();
  router.add(subscription('sensors/#'));
  assert.equal(router.match(topics().named('sensors')).subscriptions.length, 1);
});

test('returns one subscription for each session and one group for each shared filter', () => {
  const router = new Router();
  const table = topics();
  for (const [filter, session, identifier] of [
    ['a', 0, 1],
    ['+', 0, 2],
    ['a', 1, 3],
    ['$share/g/a', 0, 4],
    ['$share/g/a', 1, 5],
    ['$share/h/+', 1, 6],
  ] as const)
    router.add(subscription(filter, session, 1, [identifier]));
  const { subscriptions, groups } = router.match(table.named('a'));
  assert.deepEqual(subscriptions.map((found) => [found.session.clientId, [...found.identifiers].sort()]).sort(), [
    ['c0', [1, 2]],
    ['c1', [3]],
  ]);
  assert.deepEqual(groups.map((group) => [group.filter, group.size]).sort(), [
    ['$share/g/a', 2],
    ['$share/h/+', 1],
  ]);
  assert.equal(router.size, 6);
});

test('forgets a group with its last member', () => {
  const router = new Router();
  const topic = topics().named('a');
  const members = [subscription('$share/g/a', 0), subscription('$share/g/a', 1)];
  for (const member of members) router.add(member);
  router.remove(members[0]);
  assert.equal(router.match(topic).groups[0].size, 1);
  router.remove(members[1]);
  assert.deepEqual([router.match(topic).groups, router.group('$share/g/a'), router.size], [[], undefined, 0]);
});

test('counts what subscriptions take, each member of a shared one by itself, and gives it back', () => {
  const router = new Router();
  const all = [subscription('a/+'), subscription('$share/g/a', 1), subscription('$share/g/a', 2), subscription('#')];
  const sum = (some: readonly Subscription[]) =>
    some.reduce((bytes, { filter }) => bytes + subscriptionBytes(filter), 0);
  for (const one of all) router.add(one);
  assert.equal(router.bytes, sum(all));
  for (const [removed, one] of all.entries()) {
    router.remove(one);
    assert.deepEqual([router.bytes, router.size], [sum(all.slice(removed + 1)), all.length - removed - 1]);
  }
});

test('takes the shared prefix off a filter, and nothing else', () => {
  assert.deepEqual(['$share/g/a/b', '$share/g//', 'a', '$SYS/x', '$shared/x'].map(plainFilter), [
    'a/b',
    '/',
    'a',
    '$SYS/x',
    '$shared/x',
  ]);
});

test('finds at any time what a plain comparison of every filter finds', () => {
  const level = fc.constantFrom('', 'a', 'b', '$x');
  const topicName = fc
    .array(level, { minLength: 1, maxLength: 4 })
    .map((levels) => levels.join('/'))
    .filter((name) => name !== '');
  const filter = fc
    .tuple(fc.array(fc.constantFrom('', 'a', 'b', '+', '$x'), { maxLength: 3 }), fc.constantFrom('a', '+', '#', ''))
    .map(([levels, last]) => [...levels, last].join('/'))
    .filter((text) => text !== '');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), filter, session: fc.nat(3), shared: fc.boolean() }),
    fc.record({ do: fc.constant('remove' as const), pick: fc.nat() }),
    fc.record({ do: fc.constant('match' as const), topicName }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const router = new Router();
      const table = topics();
      const present: Subscription[] = [];
      for (const one of steps) {
        if (one.do === 'add') {
          const added = subscription(one.shared ? `$share/g/${one.filter}` : one.filter, one.session);
          router.add(added);
          present.push(added);
        } else if (one.do === 'remove') {
          const [removed] = present.splice(one.pick % (present.length + 1), 1);
          if (removed !== undefined) router.remove(removed);
        } else {
          const found = router.match(table.named(one.topicName));
          const expected = present.filter((candidate) => naively(plainFilter(candidate.filter), one.topicName));
          assert.deepEqual(
            new Set(found.subscriptions.map((item) => item.session)),
            new Set(expected.filter((item) => !item.isShared).map((item) => item.session)),
          );
          assert.deepEqual(
            new Set(found.groups.map((group) => group.filter)),
            new Set(expected.filter((item) => item.isShared).map((item) => item.filter)),
          );
          assert.equal(new Set(found.subscriptions.map((item) => item.session)).size, found.subscriptions.length);
        }
      }
      assert.equal(router.size, present.length);
    }),
    { numRuns: 300 },
  );
});
