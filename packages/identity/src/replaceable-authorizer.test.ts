import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replaceableAuthorizer } from './replaceable-authorizer.ts';
import { type RuleInput, readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

const read = (...rules: RuleInput[]) => readRules({ rules });
const a: RuleInput = { allow: 'publish', topics: 'a' };
const b: RuleInput = { allow: 'publish', topics: 'b', for: { users: 'ada' } };

test('puts other rules in force and says what changed: a rule that only moved has not', () => {
  const authorizer = replaceableAuthorizer({ rules: read(a, a, b) });
  const may = (topic: string) => authorizer.permissions('c', principal())?.mayPublish(topic, 0, false);
  assert.deepEqual([may('a'), may('c')], [0, 0x87]);
  const before = authorizer.permissions('c', principal());
  assert.deepEqual(authorizer.replace({ rules: read(b, a, { allow: 'publish', topics: 'c' }) }), {
    added: ['rules[2]: allow publish to "c"'],
    removed: ['rules[0]: allow publish to "a"'],
    unchanged: 2,
    hadRules: true,
    hasRules: true,
  });
  assert.deepEqual([may('a'), may('c'), before?.mayPublish('c', 0, false)], [0, 0, 0x87]);
});

test('takes rules away and brings them back', () => {
  const authorizer = replaceableAuthorizer({ rules: read(a) });
  assert.deepEqual(authorizer.replace({ rules: undefined }).hasRules, false);
  assert.equal(authorizer.permissions('c', principal()), undefined);
  const { hadRules, added } = authorizer.replace({ rules: read(a), broaderFilter: 'check' });
  assert.deepEqual([hadRules, added.length], [false, 1]);
  assert.equal(authorizer.permissions('c', principal())?.maySubscribe('#', 0), 0x87);
});

test('sees a change in what the text of a rule leaves out', () => {
  const users = (last: string): RuleInput => ({
    allow: 'all',
    topics: 'a',
    for: { users: ['1', '2', '3', '4', '5', '6', last] },
  });
  const authorizer = replaceableAuthorizer({ rules: read(users('7')) });
  assert.equal(authorizer.replace({ rules: read(users('8')) }).added.length, 1);
});
