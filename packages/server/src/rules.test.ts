import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Rule } from '@dunlin/identity';
import { completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { configuredRules, shadowRules } from './rules.ts';
import { parseRules } from './rules-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-rules-'));
const rulesFile = join(scratch, 'rules.yaml');
writeFileSync(rulesFile, 'rules:\n  - allow: publish\n    topics: a\n');
after(() => rmSync(scratch, { recursive: true }));

test('rules come from the configuration or from files, and without any there are none', () => {
  assert.equal(configuredRules({}).rules, undefined);
  const own = configuredRules({ rules: [{ deny: 'subscribe', topics: ['b'] }], broaderFilter: 'check' });
  assert.deepEqual([own.rules?.length, own.broaderFilter], [1, 'check']);
  assert.match(configuredRules({ rulesFile }).rules?.[0].place ?? '', /rules\.yaml:2/);
});

const GRAMMAR = `rules:
  - { allow: [publish, subscribe], topics: 'cameras/{username}/#', qosMax: 1, retain: false }
  - { allow: subscribe, topics: [news/#, a], for: { anonymous: true } }
  - { deny: all, topics: +/secret/#, except: { groups: admins, users: [ada], clientIds: c } }
roles:
  operators:
    rules: [{ allow: all, topics: '#' }]
  "night shift":
    groups: [night, day]
    rules: [{ allow: publish, topics: b }]
  nobody: { groups: one, rules: [] }
`;

test('rules and roles mean in the configuration what they mean in a file', () => {
  const inline = `authentication: [{method: anonymous}]\nauthorization:\n${GRAMMAR.replace(/^/gm, '  ')}`;
  const { authorization } = completeConfiguration(parseConfiguration(inline, 'dunlin.yaml'));
  const withoutLine = (rule: Rule): Rule => ({ ...rule, place: rule.place.replace(/ \(.*/, '') });
  const fromFile = parseRules(GRAMMAR, 'r.yaml').map(withoutLine);
  assert.equal(fromFile.length, 5);
  assert.deepEqual(configuredRules(authorization).rules, fromFile);
});

test('roles alone, or an empty list, are rules: what they do not allow is denied', () => {
  assert.deepEqual(configuredRules({ rules: [] }).rules, []);
  assert.deepEqual(configuredRules({ roles: { one: { rules: [] } } }).rules, []);
});

test('a wrong rule of the configuration is told with its path', () => {
  const rules = [{ allow: 'publish' as const, topics: ['a/#/b'] }];
  assert.throws(() => configuredRules({ rules }), {
    name: 'ConfigurationError',
    message: /^authorization\.rules\[0\]/,
  });
  assert.throws(() => configuredRules({ roles: { ops: { rules } } }), {
    name: 'ConfigurationError',
    message: /^authorization\.roles\.ops\.rules\[0\]/,
  });
});

test('rules that are tried out are compiled, where there are some', () => {
  assert.equal(shadowRules({}), undefined);
  assert.equal(shadowRules({ shadow: rulesFile })?.rules?.length, 1);
  assert.throws(() => shadowRules({ shadow: join(scratch, 'none') }), { name: 'ConfigurationError' });
});
