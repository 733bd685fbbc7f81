import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleText } from './rule.ts';
import { RULE_TOPICS_MAX, RULES_MAX, RulesError, readRuleList, readRules } from './rule-input.ts';

function problemsOf(value: unknown, lineOf?: (path: readonly (string | number)[]) => string): readonly string[] {
  try {
    readRules(value, { lineOf });
  } catch (error) {
    assert.ok(error instanceof RulesError);
    assert.equal(error.code, 'rules-invalid');
    return error.problems;
  }
  return [];
}

const problemOf = (rule: unknown): readonly string[] => problemsOf({ rules: [rule] });

test('reads rules and roles, with one value where a list is possible', () => {
  const rules = readRules({
    rules: [
      { allow: 'publish', topics: 'cameras/{username}/#', qosMax: 1, retain: false },
      { deny: 'all', topics: ['secret/#', 'private/%c'], except: { groups: ['ops'] } },
      { allow: ['subscribe'], topics: ['a'], for: { users: ['ada', 'bob'], clientIds: 'c' } },
      { allow: 'subscribe', topics: 'news', for: { anonymous: true } },
    ],
    roles: {
      reader: { rules: [{ allow: 'subscribe', topics: '#' }] },
      writer: {
        groups: ['editors', 'ops'],
        rules: [{ allow: ['will', 'publish'], topics: 'w', for: { users: 'ada' } }],
      },
    },
  });
  assert.deepEqual(
    rules.map((rule) => `${rule.place}: ${ruleText(rule)}`),
    [
      'rules[0]: allow publish to "cameras/{username}/#" with QoS 1 at most not retained',
      'rules[1]: deny publish, subscribe, will of "secret/#", "private/%c" except groups ops',
      'rules[2]: allow subscribe to "a" for users ada, bob and client ids c',
      'rules[3]: allow subscribe to "news" for anonymous clients',
      'roles.reader.rules[0]: allow subscribe to "#" for groups reader',
      'roles.writer.rules[0]: allow will, publish to "w" for groups editors, ops and users ada',
    ],
  );
});

test('shortens what is long', () => {
  const names = Array.from({ length: 9 }, (_, i) => `n${i}`);
  const [rule] = readRules({ rules: [{ allow: 'all', topics: names, for: { users: names } }] });
  assert.match(ruleText(rule), /"n4" and 4 more for users n0, n1, n2, n3, n4 and 4 more$/);
});

test('names path, value and what is expected', () => {
  const wrong: [unknown, string][] = [
    [7, 'rules[0] is 7: a group of allow, deny, topics, for, except, qosMax, retain is expected'],
    [{ topics: 'a' }, 'rules[0] has neither "allow" nor "deny": one of them is expected'],
    [{ allow: 'all', deny: 'all', topics: 'a' }, 'rules[0] has both "allow" and "deny": one of them is expected'],
    [{ allow: 'write', topics: 'a' }, 'rules[0].allow is "write": publish, subscribe, will or all is expected'],
    [{ allow: ['will', null], topics: 'a' }, 'rules[0].allow[1] is empty: publish, subscribe, will or all is expected'],
    [{ allow: [], topics: 'a' }, 'rules[0].allow is an empty list: publish, subscribe, will or all is expected'],
    [{ allow: 'all' }, 'rules[0].topics is missing: a Topic Filter or a list of them is expected'],
    [
      { allow: 'all', topics: ['a', 'a/#/b'] },
      'rules[0].topics[1] is "a/#/b": "#" must be the last level [MQTT-4.7.1-1]',
    ],
    [
      { allow: 'all', topics: 'a/{user}' },
      'rules[0].topics is "a/{user}": {user} is unknown, {username}, {clientId}, {cn} or {attr.NAME} is expected',
    ],
    [
      { allow: 'all', topics: '$share/g/a' },
      'rules[0].topics is "$share/g/a": a filter without $share/<group>/ is expected, shared or not is one to rules',
    ],
    [{ allow: 'all', topics: 'a', qosMax: 3 }, 'rules[0].qosMax is 3: 0, 1 or 2 is expected'],
    [{ allow: 'all', topics: 'a', retain: 'no' }, 'rules[0].retain is "no": true or false is expected'],
    [
      { deny: 'all', topics: 'a', qosMax: 1 },
      'rules[0].qosMax limits a rule that denies: it is expected in rules that allow',
    ],
    [
      { allow: 'subscribe', topics: 'a', retain: false },
      'rules[0].retain limits subscribing: it is expected in rules for publish or will',
    ],
    [
      { allow: 'all', topics: 'a', for: { user: 'a' } },
      'rules[0].for.user is unknown: users, groups, clientIds, anonymous are known here',
    ],
    [
      { allow: 'all', topics: 'a', for: {} },
      'rules[0].for is a group: one of users, groups, clientIds and anonymous is expected',
    ],
    [
      { allow: 'all', topics: 'a', for: { users: [] } },
      'rules[0].for.users is an empty list: a text or a list of texts is expected',
    ],
    [
      { allow: 'all', topics: 'a', except: { anonymous: 1 } },
      'rules[0].except.anonymous is 1: true or false is expected',
    ],
    [
      { allow: 'all', topics: 'a', topic: 'b' },
      'rules[0].topic is unknown: allow, deny, topics, for, except, qosMax, retain are known here',
    ],
  ];
  for (const [rule, problem] of wrong) assert.deepEqual(problemOf(rule), [problem]);
});

test('wants a list of rules and a group of roles', () => {
  assert.deepEqual(problemsOf(null), ['the whole is empty: a group of rules, roles is expected']);
  assert.deepEqual(problemsOf({}), ['the whole is a group: "rules" or "roles" is expected']);
  assert.deepEqual(problemsOf({ rules: 'all' }), ['rules is "all": a list of rules is expected']);
  assert.deepEqual(problemsOf({ roles: [] }), ['roles is an empty list: a group is expected']);
  assert.deepEqual(problemsOf({ roles: { ops: {} } }), ['roles.ops.rules is missing: a list of rules is expected']);
});

test('puts the line of a value in front, and says where a rule stands', () => {
  const lineOf = (path: readonly (string | number)[]): string => `r.yaml:${path.length}`;
  assert.deepEqual(problemsOf({ rules: [{ allow: 'all', topics: ['+a'] }] }, lineOf), [
    'r.yaml:4: rules[0].topics[0] is "+a": "+" must fill a whole level [MQTT-4.7.1-2]',
  ]);
  assert.equal(readRules({ rules: [{ allow: 'all', topics: 'a' }] }, { lineOf })[0].place, 'rules[0] (r.yaml:2)');
});

test('stops at its limits: problems, rules, topics of a rule', () => {
  const problems = problemsOf({ rules: Array.from({ length: 200 }, () => 1) });
  assert.deepEqual([problems.length, problems[100]], [101, 'Stopped looking after 100 problems']);
  assert.deepEqual(problemsOf({ rules: new Array(RULES_MAX + 1).fill(1) }), [`There are more than ${RULES_MAX} rules`]);
  assert.match(
    problemOf({ allow: 'all', topics: new Array(RULE_TOPICS_MAX + 1).fill('a') })[0],
    /topics has 1001 entries: 1000 at most are expected/,
  );
});

test('shows no character that a terminal would obey', () => {
  assert.deepEqual(problemOf({ allow: '\x1b[2J', topics: 'a' }), [
    'rules[0].allow is "\\u001b[2J": publish, subscribe, will or all is expected',
  ]);
});

test('reads a bare list under a name of its own', () => {
  assert.equal(readRuleList([{ allow: 'all', topics: 'a' }], 'claims')[0].place, 'claims[0]');
});
