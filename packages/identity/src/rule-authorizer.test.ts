import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '@dunlin/broker';
import { CLAIM_RULES_MAX, compileRules, type SkippedRule } from './rule-authorizer.ts';
import { type RuleInput, readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

const authorizer = (rules: readonly RuleInput[], onSkippedRule?: (skipped: SkippedRule) => void) =>
  compileRules(readRules({ rules }), { onSkippedRule });

test('permits everything where there are no rules, but for a credential that carries its own', () => {
  const open = compileRules(undefined);
  assert.equal(open.permissions('c', principal()), undefined);
  const claims = { rules: [{ action: 'allow', to: ['publish'], topics: ['a/{username}'] }] };
  const may = open.permissions('c', principal({ username: 'ada', claims }));
  assert.deepEqual([may?.mayPublish('a/ada', 0, false), may?.mayPublish('a/bob', 0, false)], [0, 0x87]);
  assert.equal(compileRules([]).permissions('c', principal())?.mayPublish('a', 0, false), 0x87);
});

test('applies rules by user, group, Client Identifier and user name at all; each list that is given has to fit', () => {
  const rules = authorizer([
    { allow: 'publish', topics: 'user', for: { users: ['ada', 'bob'] } },
    { allow: 'publish', topics: 'group', for: { groups: ['ops', 'dev'] } },
    { allow: 'publish', topics: 'client', for: { clientIds: 'c-1' } },
    { allow: 'publish', topics: 'both', for: { users: 'ada', clientIds: 'c-1' } },
    { allow: 'publish', topics: 'nobody', for: { anonymous: true } },
    { allow: 'publish', topics: 'somebody', for: { anonymous: false } },
    { allow: 'publish', topics: 'others', except: { users: 'ada' } },
  ]);
  const topics = ['user', 'group', 'client', 'both', 'nobody', 'somebody', 'others'];
  const allowed = (clientId: string, who: Partial<Principal>): string[] => {
    const may = rules.permissions(clientId, principal(who));
    return topics.filter((topic) => may?.mayPublish(topic, 0, false) === 0);
  };
  assert.deepEqual(allowed('c-1', { username: 'ada' }), ['user', 'client', 'both', 'somebody']);
  assert.deepEqual(allowed('c-2', { username: 'ada' }), ['user', 'somebody']);
  assert.deepEqual(allowed('c-1', {}), ['client', 'nobody', 'others']);
  assert.deepEqual(allowed('x', { username: 'eve', groups: ['dev', 'ops'] }), ['group', 'somebody', 'others']);
});

test('gives roles to the members of their groups', () => {
  const rules = readRules({
    roles: {
      ops: { rules: [{ allow: 'publish', topics: 'o' }] },
      editing: { groups: ['writers'], rules: [{ allow: 'publish', topics: 'w', for: { users: 'ada' } }] },
    },
  });
  const may = (who: Partial<Principal>, topic: string) =>
    compileRules(rules).permissions('c', principal(who))?.mayPublish(topic, 0, false);
  assert.deepEqual([may({ groups: ['ops'] }, 'o'), may({ groups: ['editing'] }, 'w'), may({}, 'o')], [0, 0x87, 0x87]);
  assert.equal(may({ username: 'ada', groups: ['writers'] }, 'w'), 0);
  assert.equal(may({ username: 'bob', groups: ['writers'] }, 'w'), 0x87);
});

test('gives one object to all to whom the same rules without variables apply', () => {
  const rules = authorizer([
    { allow: 'publish', topics: 'a' },
    { allow: 'publish', topics: 'o', for: { groups: 'ops' } },
    { allow: 'publish', topics: 'own/{username}', for: { users: 'eve' } },
  ]);
  const of = (clientId: string, who: Partial<Principal>) => rules.permissions(clientId, principal(who));
  assert.equal(of('1', { username: 'ada' }), of('2', { username: 'bob' }));
  assert.equal(of('1', { groups: ['ops'] }), of('2', { groups: ['ops', 'x'] }));
  assert.notEqual(of('1', { groups: ['ops'] }), of('1', {}));
  assert.notEqual(of('1', { username: 'eve' }), of('1', { username: 'eve' }));
  for (let i = 0; i < 3_000; i++) assert.ok(of(`${i}`, { groups: [`g${i}`] }));
});

test('does not apply an allowing rule to whom its variable cannot be filled in, and tells of it once', () => {
  const told: SkippedRule[] = [];
  const rules = authorizer([{ allow: 'all', topics: ['a/{username}/#', 'b/{attr.x}'] }], (skipped) =>
    told.push(skipped),
  );
  for (const username of ['+', '#', 'x/y', '']) {
    const may = rules.permissions('c', principal({ username }));
    assert.equal(may?.mayPublish(`a/${username}/x`, 0, false), 0x87);
    assert.equal(may?.mayPublish('a/x/x', 0, false), 0x87);
    assert.equal(may?.maySubscribe('a/#', 0), 0x87);
  }
  assert.deepEqual(told, [{ place: 'rules[0]', variable: 'username', clientId: 'c' }]);
  assert.equal(
    rules.permissions('c', principal({ username: '+' }))?.explain('publish', 'a/x', 0, false),
    'no rule allows publish of "a/x"; rules[0] does not count with "a/{username}/#": {username} is needed, and "+" cannot ' +
      'be put into a filter; rules[0] does not count with "b/{attr.x}": {attr.x} is needed, and the client has none',
  );
});

test('denies more, never less, where the variable of a denying rule cannot be filled in', () => {
  const rules = authorizer([
    { allow: 'all', topics: ['#', '$SYS/#'] },
    { deny: 'all', topics: ['private/x-{username}/in', 'open/{attr.x}'] },
    { deny: 'all', topics: '{clientId}/x' },
  ]);
  const may = rules.permissions('c', principal({ username: 'a/b' }));
  assert.deepEqual(
    ['private/x-a/b/in', 'private/y', 'open/x', 'c/x'].map((topic) => may?.mayPublish(topic, 0, false)),
    [0x87, 0x87, 0, 0x87],
  );
  assert.match(may?.explain('publish', 'private/y', 0, false) ?? '', /^rules\[1\]: deny .*, here "private\/#"$/);
  assert.equal(rules.permissions('a/b', principal())?.mayPublish('a/b/x', 0, false), 0x87);
  assert.equal(rules.permissions('$SYS', principal())?.mayPublish('$SYS/x', 0, false), 0x87);
});

test('adds the rules of a credential: what either allows is allowed, unless either denies it', () => {
  const rules = authorizer([
    { allow: 'all', topics: 'a/#' },
    { deny: 'all', topics: 'secret/#' },
  ]);
  const claims = {
    rules: [
      { action: 'allow', to: ['publish', 'subscribe'], topics: ['b/{clientId}', 'secret/x'], qosMax: 1, retain: false },
      { action: 'deny', to: ['publish'], topics: ['a/b'] },
    ],
  };
  const may = rules.permissions('c', principal({ claims }));
  assert.deepEqual(
    ['a/x', 'a/b', 'b/c', 'secret/x'].map((topic) => may?.mayPublish(topic, 0, false)),
    [0, 0x87, 0, 0x87],
  );
  assert.deepEqual([may?.mayPublish('b/c', 2, false), may?.mayPublish('b/c', 0, true)], [0x87, 0x87]);
  assert.match(may?.explain('publish', 'a/b', 0, false) ?? '', /^claims\.rules\[1\]: deny publish of "a\/b"$/);
});

test('allows nothing with a credential whose rules cannot be read', () => {
  const wrong: unknown[] = [
    { rules: 'all' },
    { rules: [7] },
    { rules: [{ action: 'permit', to: ['publish'], topics: ['#'] }] },
    { rules: [{ action: 'allow', to: ['publish'], topics: ['a/#/b'] }] },
    { rules: new Array(CLAIM_RULES_MAX + 1).fill({ action: 'allow', to: ['publish'], topics: ['#'] }) },
  ];
  const rules = authorizer([{ allow: 'all', topics: '#' }]);
  for (const claims of wrong) {
    const may = rules.permissions('c', principal({ claims }));
    assert.equal(may?.mayPublish('a', 0, false), 0x87);
    assert.equal(may?.maySubscribe('a', 0), 0x87);
    assert.match(
      may?.explain('publish', 'a', 0, false) ?? '',
      /^no rule allows publish of "a"; the rules of the credential /,
    );
  }
  assert.equal(rules.permissions('c', principal({ claims: { sub: 'x' } }))?.mayPublish('a', 0, false), 0);
});
