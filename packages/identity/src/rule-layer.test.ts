import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRules } from './rule-input.ts';
import { ASKED, filledEntries, fixedEntries, RuleLayer, type Skipped, skippedText } from './rule-layer.ts';
import { principal } from './testing/principal.ts';

const [rule] = readRules({ rules: [{ allow: 'publish', topics: ['a/+', 'b/{username}'] }] });

test('keeps the fixed filters of a rule apart from those of a client', () => {
  const client = { clientId: 'c', principal: principal({ username: 'ada' }) };
  const [fixed, filled] = [fixedEntries(rule), filledEntries(rule, client, () => assert.fail())];
  assert.deepEqual([fixed.map(({ filter }) => filter), filled.map(({ filter }) => filter)], [['a/+'], ['b/ada']]);
  assert.equal(fixed[0].asked, ASKED.publish | ASKED.will);
  const layer = new RuleLayer([...fixed, ...filled]);
  const found: typeof fixed = [];
  layer.collect('a/x', found);
  assert.deepEqual(found, fixed);
});

test('hands out what cannot be filled in, with the reason in words', () => {
  const skipped: Skipped[] = [];
  filledEntries(rule, { clientId: 'c', principal: principal({ username: 'a\n/' }) }, (each) => skipped.push(each));
  assert.deepEqual(skipped.map(skippedText), [
    'rules[0] does not count with "b/{username}": {username} is needed, and "a\\n/" cannot be put into a filter',
  ]);
});
