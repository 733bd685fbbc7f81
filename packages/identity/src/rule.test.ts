import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appliesTo, type Rule, ruleText } from './rule.ts';
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

test('does not apply to whom any of several exceptions fits', () => {
  const [rule] = readRules({ rules: [{ allow: 'all', topics: 'a', except: { users: 'ada' } }] });
  const excepted: Rule = { ...rule, except: [...rule.except, { groups: new Set(['g']) }] };
  const applies = (username: string, groups: string[]) => appliesTo(excepted, 'c', principal({ username, groups }));
  assert.deepEqual([applies('bob', []), applies('ada', []), applies('bob', ['g'])], [true, false, false]);
  assert.match(ruleText(excepted), / except users ada or groups g$/);
});
