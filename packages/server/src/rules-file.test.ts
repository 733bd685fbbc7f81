import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ruleText } from '@dunlin/identity';
import { ConfigurationError, completeConfiguration } from './configuration.ts';
import { parseConfiguration } from './configuration-file.ts';
import { configuredRules } from './rules.ts';
import { parseRules, readRuleFiles } from './rules-file.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-rules-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(scratch, name);
  writeFileSync(path, content);
  return path;
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error.problems;
  }
  return [];
}

test('reads rules with the lines they stand in', () => {
  const text = [
    '# cameras',
    'rules:',
    '  - allow: publish',
    '    topics: cameras/{username}/#',
    'roles:',
    '  ops:',
    '    rules:',
    '      - { allow: all, topics: "#" }',
  ];
  assert.deepEqual(
    parseRules(text.join('\n'), 'r.yaml').map((rule) => `${rule.place}: ${ruleText(rule)}`),
    [
      'rules[0] (r.yaml:3): allow publish to "cameras/{username}/#"',
      'roles.ops.rules[0] (r.yaml:8): allow publish, subscribe, will to "#" for groups ops',
    ],
  );
});

test('names file and line of what is wrong, of what is missing as well', () => {
  const text = [
    'rules:',
    '  - allow: publish',
    '    topics:',
    '      - a/#',
    '      - a/#/b',
    '  - allow: write',
    '  - deny: all',
    '    topics: x',
    '    topic: y',
  ];
  assert.deepEqual(
    problemsOf(() => parseRules(text.join('\n'), 'r.yaml')),
    [
      'r.yaml:5: rules[0].topics[1] is "a/#/b": "#" must be the last level [MQTT-4.7.1-1]',
      'r.yaml:6: rules[1].allow is "write": publish, subscribe, will or all is expected',
      'r.yaml:6: rules[1].topics is missing: a Topic Filter or a list of them is expected',
      'r.yaml:9: rules[2].topic is unknown: allow, deny, topics, for, except, qosMax, retain are known here',
    ],
  );
  assert.deepEqual(
    problemsOf(() => parseRules('', 'r.yaml')),
    ['r.yaml:1: the whole is empty: a group of rules, roles is expected'],
  );
});

test('refuses what is no YAML, and aliases, by which a small file becomes a large one', () => {
  assert.match(
    problemsOf(() => parseRules('rules: [', 'r.yaml'))[0],
    /^r\.yaml:1: this is not the YAML that is expected/,
  );
  const [problem] = problemsOf(() => parseRules('rules:\n  - &a { allow: all, topics: x }\n  - *a\n', 'r.yaml'));
  assert.equal(problem, 'r.yaml holds an alias: rules written out are expected');
});

test('puts both kinds of files together; with an ACL file wider subscriptions are checked at delivery', () => {
  const rules = file('rules.yaml', 'rules: [{ allow: all, topics: a }]');
  const aclFile = file('acl', 'user ada\ntopic read b\n');
  assert.deepEqual(readRuleFiles({}), { rules: undefined });
  assert.equal(readRuleFiles({ rules }).broaderFilter, 'deny');
  const both = readRuleFiles({ rules, aclFile });
  assert.deepEqual([both.broaderFilter, both.rules?.length], ['check', 2]);
  assert.equal(both.rules?.[1].place, `${aclFile}:2`);
  assert.equal(readRuleFiles({ aclFile, broaderFilter: 'deny' }).broaderFilter, 'deny');
});

test('says which file cannot be read and why', () => {
  assert.match(
    problemsOf(() => readRuleFiles({ rules: join(scratch, 'none') }))[0],
    /^Cannot read the rules ".*none": there is no such file$/,
  );
  assert.match(problemsOf(() => readRuleFiles({ aclFile: scratch }))[0], /^Cannot read the ACL file ".*": EISDIR/);
  const latin = file('latin', Buffer.from('topic read b\xe4r\n', 'latin1'));
  assert.match(problemsOf(() => readRuleFiles({ aclFile: latin }))[0], /text in UTF-8 is expected$/);
  const large = file('large', Buffer.alloc(16 * 1024 * 1024 + 1, '#'));
  assert.match(
    problemsOf(() => readRuleFiles({ aclFile: large }))[0],
    /has 16777217 bytes, at most 16777216 are expected$/,
  );
  const wrong = file('wrong', 'topic read a/#/b\n');
  assert.match(problemsOf(() => readRuleFiles({ aclFile: wrong }))[0], /wrong:1: /);
});

test('reads the rules of the guide', () => {
  const guide = readFileSync(new URL('../../../docs/guide/rules.md', import.meta.url), 'utf8');
  const blocks = [...guide.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => text);
  const [inFile, inConfiguration] = [false, true].map((isInside) =>
    blocks.filter((text) => /^authorization:/m.test(text) === isInside),
  );
  assert.ok(inFile.length > 0 && inConfiguration.length > 0);
  for (const text of inFile) assert.ok(parseRules(text, 'rules.md').length > 0);
  for (const text of inConfiguration) {
    const { authorization } = completeConfiguration(parseConfiguration(text, 'rules.md'));
    assert.ok((configuredRules(authorization).rules ?? []).length > 0);
  }
});
