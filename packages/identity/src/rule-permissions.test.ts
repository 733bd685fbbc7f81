import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Permissions, Principal } from '@dunlin/broker';
import { topicMatches } from '@dunlin/protocol';
import fc from 'fast-check';
import { type CompileOptions, compileRules } from './rule-authorizer.ts';
import { type RuleInput, readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

function permitted(
  rules: readonly RuleInput[],
  options: CompileOptions = {},
  who: Partial<Principal> = {},
): Permissions {
  const permissions = compileRules(readRules({ rules }), options).permissions('c', principal(who));
  assert.ok(permissions);
  return permissions;
}

test('denies what no rule allows, the topics of the server as well', () => {
  const may = permitted([{ allow: ['publish', 'subscribe'], topics: ['a/#', '#'], for: { users: 'ada' } }]);
  assert.equal(may.mayPublish('a', 0, false), 0x87);
  assert.equal(may.maySubscribe('a/#', 1), 0x87);
  assert.equal(may.mayReceive('a'), false);
  assert.equal(may.explain('publish', 'a', 0, false), 'no rule allows publish of "a"');
  const all = permitted([{ allow: 'all', topics: '#' }]);
  assert.deepEqual(
    [all.mayPublish('x/y', 2, true), all.maySubscribe('#', 2), all.maySubscribe('$SYS/#', 0), all.mayReceive('$SYS/x')],
    [0, 2, 0x87, false],
  );
});

test('lets a rule that denies win, wherever it stands', () => {
  const allow: RuleInput = { allow: 'all', topics: 'a/#' };
  const deny: RuleInput = { deny: 'publish', topics: 'a/secret/+' };
  for (const rules of [
    [allow, deny],
    [deny, allow],
  ]) {
    const may = permitted(rules);
    assert.equal(may.mayPublish('a/b', 0, false), 0);
    assert.equal(may.mayPublish('a/secret/b', 0, false), 0x87);
    assert.equal(may.mayReceive('a/secret/b'), true);
    assert.match(may.explain('publish', 'a/secret/b', 0, false), /^rules\[\d\]: deny publish of "a\/secret\/\+"$/);
    assert.match(may.explain('publish', 'a/b', 0, false), /^rules\[\d\]: allow publish, subscribe, will to "a\/#"$/);
  }
});

test('covers wills by rules for publish, and lets rules for wills add to them', () => {
  const may = permitted([
    { allow: 'publish', topics: ['a/#', 'c'] },
    { deny: 'will', topics: 'a/b' },
    { allow: 'will', topics: 'w' },
    { deny: 'publish', topics: 'c' },
  ]);
  assert.deepEqual(
    ['a/x', 'a/b', 'w', 'c'].map((topic) => may.mayLeaveWill(topic, 0, false)),
    [0, 0x87, 0, 0x87],
  );
  assert.deepEqual([may.mayPublish('a/b', 0, false), may.mayPublish('w', 0, false)], [0, 0x87]);
  assert.match(may.explain('will', 'a/b', 0, false), /^rules\[1\]: deny will/);
});

test('limits QoS and RETAIN, and says which limit it was', () => {
  const may = permitted([
    { allow: 'all', topics: 'a/#', qosMax: 1 },
    { allow: 'publish', topics: 'a/b', retain: false },
  ]);
  assert.deepEqual([may.mayPublish('a/x', 1, true), may.mayPublish('a/x', 2, false)], [0, 0x87]);
  assert.deepEqual(
    [may.mayPublish('a/b', 2, false), may.mayPublish('a/b', 1, true), may.mayPublish('a/b', 2, true)],
    [0, 0, 0x87],
  );
  assert.deepEqual([may.maySubscribe('a/#', 2), may.maySubscribe('a/#', 0)], [1, 0]);
  assert.equal(
    may.explain('publish', 'a/x', 2, false),
    'rules[0]: allow publish, subscribe, will to "a/#" with QoS 1 at most: only with QoS 1 at most',
  );
  const unretained = permitted([{ allow: 'publish', topics: 'a', retain: false }]);
  assert.equal(
    unretained.explain('publish', 'a', 0, true),
    'rules[0]: allow publish to "a" not retained: only not retained',
  );
});

test('admits a filter that lies wholly inside an allowed one and meets no denied one', () => {
  const rules: RuleInput[] = [
    { allow: 'subscribe', topics: ['a/#', 'b/+/c'] },
    { deny: 'subscribe', topics: 'a/secret/#' },
  ];
  const may = permitted(rules);
  const cases: [string, number][] = [
    ['a/x/#', 2],
    ['b/+/c', 2],
    ['b/x/c', 2],
    ['b/#', 0x87],
    ['a/#', 0x87],
    ['a/+/x', 0x87],
    ['a/secret/x', 0x87],
    ['#', 0x87],
  ];
  for (const [filter, code] of cases) {
    assert.equal(may.maySubscribe(filter, 2), code, filter);
    assert.equal(may.mayReceiveAll(filter), code === 2, filter);
  }
  assert.match(may.explain('subscribe', 'a/#', 0, false), /^rules\[1\]: deny/);
  assert.match(may.explain('subscribe', 'b/#', 0, false), /^rules\[0\]: allow .*: "b\/#" is wider$/);
  assert.match(may.explain('subscribe', 'x', 0, false), /^no rule allows subscribe to "x"$/);
});

test('grants a wider filter where each message is checked, at the lowest QoS of what it meets', () => {
  const may = permitted(
    [
      { allow: 'subscribe', topics: 'a/#', qosMax: 1 },
      { allow: 'subscribe', topics: 'b' },
      { deny: 'subscribe', topics: 'a/secret/#' },
    ],
    { broaderFilter: 'check' },
  );
  assert.deepEqual(
    ['#', 'b', 'a/+/x', 'a/secret/x', '$SYS/#', 'x/#'].map((filter) => may.maySubscribe(filter, 2)),
    [1, 2, 1, 0x87, 0x87, 0x87],
  );
  assert.equal(may.mayReceiveAll('#'), false);
  assert.deepEqual(
    ['a/b', 'a/secret/b', 'c'].map((topic) => may.mayReceive(topic)),
    [true, false, false],
  );
  assert.match(may.explain('subscribe', '#', 0, false), /^rules\[0\]: .*: "#" is wider, each message is checked$/);
});

test('decides as a plain reading of the rules does, asked once or again', () => {
  const level = fc.constantFrom('a', 'b', '+');
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
  const action = fc.constantFrom('publish', 'subscribe', 'will', 'all');
  const rule = fc.record({
    isDeny: fc.boolean(),
    action,
    topics: filter,
    qosMax: fc.constantFrom(0, 1, 2),
    retain: fc.boolean(),
  });
  const topic = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const asked = fc.record({ topic, qos: fc.constantFrom(0 as const, 1 as const, 2 as const), retain: fc.boolean() });
  const property = fc.property(
    fc.array(rule, { maxLength: 6 }),
    fc.array(asked, { maxLength: 5 }),
    (given, questions) => {
      const rules = given.map(({ isDeny, action, topics, qosMax, retain }): RuleInput => {
        if (isDeny) return { deny: action as 'publish', topics };
        const limits = action === 'subscribe' ? { qosMax } : { qosMax, retain };
        return { allow: action as 'publish', topics, ...(limits as object) };
      });
      const may = permitted(rules, { broaderFilter: 'check' });
      for (const { topic, qos, retain } of [...questions, ...questions]) {
        const plainly = (...actions: string[]): boolean => {
          const speaking = given.filter((rule) => actions.includes(rule.action) && topicMatches(rule.topics, topic));
          const isDenied = speaking.some((rule) => rule.isDeny);
          const isReceiving = actions.includes('subscribe');
          return !isDenied && speaking.some((rule) => isReceiving || (qos <= rule.qosMax && (rule.retain || !retain)));
        };
        assert.equal(may.mayPublish(topic, qos, retain) === 0, plainly('publish', 'all'));
        assert.equal(may.mayLeaveWill(topic, qos, retain) === 0, plainly('publish', 'will', 'all'));
        assert.equal(may.mayReceive(topic), plainly('subscribe', 'all'));
      }
    },
  );
  fc.assert(property, { numRuns: 400 });
});

test('receives nothing through a granted filter, whole or checked, that a plain reading would deny', () => {
  const levels = fc.array(fc.constantFrom('a', 'b', '+'), { minLength: 1, maxLength: 3 });
  const filter = fc.tuple(levels, fc.boolean()).map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'));
  const topics = ['a', 'b'].flatMap((one) => [
    one,
    ...['a', 'b', 'c'].flatMap((two) => [`${one}/${two}`, `${one}/${two}/a`, `${one}/${two}/a/b`]),
  ]);
  const rules = fc.array(fc.record({ isDeny: fc.boolean(), topics: filter }), { maxLength: 5 });
  fc.assert(
    fc.property(rules, filter, (given, wanted) => {
      const may = permitted(
        given.map(({ isDeny, topics }) => (isDeny ? { deny: 'subscribe', topics } : { allow: 'subscribe', topics })),
        { broaderFilter: 'check' },
      );
      const allowed = (topic: string): boolean => {
        const speaking = given.filter((rule) => topicMatches(rule.topics, topic));
        return speaking.length > 0 && speaking.every((rule) => !rule.isDeny);
      };
      const matched = topics.filter((topic) => topicMatches(wanted, topic));
      if (may.mayReceiveAll(wanted)) assert.ok(matched.every(allowed), 'all that the filter matches is allowed');
      if (may.maySubscribe(wanted, 0) !== 0) assert.ok(!matched.some(allowed), 'nothing that it matches is allowed');
    }),
    { numRuns: 600 },
  );
});

test('remembers a bounded number of topics, and none that is very long', () => {
  const may = permitted([{ allow: 'publish', topics: ['a/+', 'long/#'] }]);
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 3_000; i++)
      assert.equal(may.mayPublish(i % 2 === 0 ? `a/${i}` : `b/${i}`, 0, false), i % 2 === 0 ? 0 : 0x87);
  for (let i = 0; i < 3; i++) assert.equal(may.mayPublish(`long/${'x'.repeat(1_000)}`, 0, false), 0);
});
