import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appliesTo, type Rule } from './rule.ts';
import { readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

test('applies where all lists fit and the exception does not', () => {
  const rules: readonly Rule[] = readRules({
    roles: {
      r: { groups: 'g', rules: [{ allow: 'all', topics: 'a', for: { users: 'ada' }, except: { clientIds: 'x' } }] },
    },
  });
  const applies = (clientId: string, username: string | undefined, groups: string[]): boolean =>
    appliesTo(rules[0], clientId, principal({ username, groups }));
  assert.ok(applies('c', 'ada', ['g']));
  assert.ok(!applies('x', 'ada', ['g']));
  assert.ok(!applies('c', 'bob', ['g']));
  assert.ok(!applies('c', undefined, ['g']));
  assert.ok(!applies('c', 'ada', []));
});
