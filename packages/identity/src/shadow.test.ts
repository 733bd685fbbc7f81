import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRules } from './rule-authorizer.ts';
import { type RuleInput, readRules } from './rule-input.ts';
import { type ShadowDifference, shadowed } from './shadow.ts';
import { principal } from './testing/principal.ts';

const compiled = (...rules: RuleInput[]) => compileRules(readRules({ rules }));
const who = principal({ username: 'ada' });

test('decides as the rules in force do, and lists what others would decide otherwise', () => {
  const told: ShadowDifference[] = [];
  const shadow = shadowed(
    compiled({ allow: 'all', topics: ['a/#', 'b'] }),
    compiled({ allow: 'all', topics: ['a/#', 'c/#'], qosMax: 1 }, { deny: 'publish', topics: 'a/no' }),
    { onDifference: (difference) => told.push(difference) },
  );
  const may = shadow.permissions('c1', who);
  assert.ok(may);
  assert.equal(may.mayPublish('a/x', 0, false), 0);
  assert.equal(may.mayPublish('a/no', 0, false), 0);
  assert.equal(may.mayPublish('a/no', 1, false), 0);
  assert.equal(may.mayLeaveWill('b', 0, false), 0);
  assert.equal(may.mayPublish('c', 0, false), 0x87);
  assert.equal(may.maySubscribe('a/#', 2), 2);
  assert.equal(may.mayReceiveAll('a/#'), true);
  assert.equal(may.mayReceiveAll('b'), false);
  assert.equal(may.mayReceive('b'), true);
  assert.match(may.explain('publish', 'a/no', 0, false), /^rules\[0\]: allow/);
  assert.deepEqual(
    shadow
      .differences()
      .map(({ action, topic, candidate, count, username }) => [action, topic, candidate, count, username]),
    [
      ['publish', 'a/no', 'deny', 2, 'ada'],
      ['will', 'b', 'deny', 1, 'ada'],
      ['publish', 'c', 'allow', 1, 'ada'],
      ['subscribe', 'a/#', 'other-qos', 1, 'ada'],
      ['receive', 'b', 'deny', 1, 'ada'],
    ],
  );
  assert.equal(shadow.differences()[0].decidedBy, 'rules[1]: deny publish of "a/no"');
  assert.equal(told.length, 5);
});

test('permits everything where nothing is in force, and lists what rules would deny', () => {
  const shadow = shadowed(undefined, compiled({ allow: 'publish', topics: 'a' }));
  const may = shadow.permissions('c', who);
  assert.deepEqual([may?.mayPublish('b', 2, true), may?.maySubscribe('#', 1), may?.mayReceive('x')], [0, 1, true]);
  assert.equal(may?.explain('publish', 'b', 2, true), 'everything is allowed');
  assert.deepEqual(
    shadow.differences().map(({ candidate }) => candidate),
    ['deny', 'deny', 'deny'],
  );
  assert.equal(shadowed(undefined, compileRules(undefined)).permissions('c', who), undefined);
});

test('lists topics of one shape once, and no more than it may', () => {
  const shadow = shadowed(undefined, compileRules([]), { differencesMax: 2 });
  const may = shadow.permissions('dev', who);
  for (let i = 0; i < 100; i++) may?.mayPublish(`a/${i}/ada/dev/x`, 0, false);
  may?.mayPublish(`long/${'y'.repeat(500)}${'/z'.repeat(50)}`, 0, false);
  may?.mayPublish('b', 0, false);
  may?.mayPublish('b', 0, false);
  const listed = shadow.differences();
  assert.deepEqual(
    [listed.length, listed[0].shape, listed[0].topic, listed[0].count],
    [2, 'a/+/+/+/x', 'a/0/ada/dev/x', 100],
  );
  assert.equal(listed[1].shape.length, 201);
  assert.equal(shadow.unlisted, 2);
});
