import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuleIndex } from './rule-index.ts';
import { readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

test('finds the rules of a client in their order and once, without those for everybody that hold no variable', () => {
  const rules = readRules({
    rules: [
      { allow: 'all', topics: 'everybody' },
      { allow: 'all', topics: '{username}' },
      { allow: 'all', topics: 'a', for: { groups: ['x', 'y'] } },
      { allow: 'all', topics: 'b', for: { clientIds: ['c', 'd'], groups: 'x' } },
      { allow: 'all', topics: 'c', for: { users: 'ada' } },
      { allow: 'all', topics: 'd', except: { groups: 'x' } },
    ],
  });
  const index = new RuleIndex(rules);
  assert.deepEqual(index.find('c', principal({ username: 'ada', groups: ['y', 'x'] })), [1, 2, 3, 4]);
  assert.deepEqual(index.find('c', principal()), [1, 5]);
  assert.deepEqual(index.find('d', principal({ groups: ['x'] })), [1, 2, 3]);
});

test('leaves rules that need plain names to clients that have such', () => {
  const [rule] = readRules({ rules: [{ allow: 'all', topics: 'a' }] });
  const index = new RuleIndex([{ ...rule, needsPlainNames: true }]);
  assert.deepEqual(index.find('c', principal()), [0]);
  assert.deepEqual(index.find('c', principal({ username: 'a+b' })), []);
  assert.deepEqual(index.find('c#', principal({ username: 'a' })), []);
});
