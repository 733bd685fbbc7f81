import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appliesTo, quoted, type Rule } from './rule.ts';
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

test('shows a name in quotes, shortened and without what a terminal would obey', () => {
  assert.equal(quoted(`a\x1b\u202e${'x'.repeat(200)}`), `"a\\u001b\\u{202e}${'x'.repeat(97)}…"`);
});
