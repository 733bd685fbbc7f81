import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOBODY, type Permissions } from '@dunlin/broker';
import fc from 'fast-check';
import { type CarriedRules, readCarriedRules } from './carried-rules.ts';
import { compileRules } from './rule-authorizer.ts';

test('rules in our own form are taken as they are', () => {
  const rules = [
    { action: 'allow', to: ['publish', 'will'], topics: ['a/%c/#', 'b/{username}'], qosMax: 1, retain: false },
    { action: 'deny', to: ['subscribe'], topics: ['#'] },
  ];
  assert.deepEqual(readCarriedRules({ rules }), { rules });
});

test("EMQX's lists allow what they name, and a will where publishing is allowed", () => {
  assert.deepEqual(readCarriedRules({ pub: ['p/%u'], sub: ['s/#'], all: [] }), {
    rules: [
      { action: 'allow', to: ['publish', 'will'], topics: ['p/%u'] },
      { action: 'allow', to: ['subscribe'], topics: ['s/#'] },
    ],
  });
  assert.deepEqual(readCarriedRules({}), { rules: [] });
});

test("EMQX's rules are taken with their variables, QoS and RETAIN", () => {
  const given = [
    { permission: 'allow', action: 'publish', topic: 't/${clientid}/${username}', qos: [0, 1], retain: false },
    { permission: 'deny', action: 'all', topics: ['a', 'b'], retain: 'all' },
    { permission: 'allow', action: 'subscribe', topic: 'c', qos: 0 },
  ];
  assert.deepEqual(readCarriedRules(given), {
    rules: [
      { action: 'allow', to: ['publish', 'will'], topics: ['t/{clientId}/{username}'], qosMax: 1, retain: false },
      { action: 'deny', to: ['publish', 'will', 'subscribe'], topics: ['a', 'b'] },
      { action: 'allow', to: ['subscribe'], topics: ['c'], qosMax: 0 },
    ],
  });
});

test('what is not wholly understood is refused, and nothing of it is quoted', () => {
  const rule = { action: 'allow', to: ['publish'], topics: ['secret'] };
  const long = { permission: 'allow', action: 'publish', topic: 'secret' };
  const wrong: unknown[] = [
    null,
    'secret',
    { pub: 'secret' },
    { publish: ['secret'] },
    JSON.parse('{"__proto__": ["secret"]}'),
    { rules: rule },
    { rules: [rule], pub: [] },
    { rules: [{ ...rule, ipaddr: 'secret' }] },
    { rules: [{ ...rule, to: [] }] },
    { rules: [{ ...rule, to: ['secret'] }] },
    { rules: [{ ...rule, action: 'secret' }] },
    { rules: [{ ...rule, topics: ['secret/#/b'] }] },
    { rules: [{ ...rule, topics: [''] }] },
    { rules: [{ ...rule, topics: [1] }] },
    { rules: [{ ...rule, topics: ['x'.repeat(1025)] }] },
    { rules: [{ ...rule, qosMax: 3 }] },
    { rules: [{ ...rule, retain: 'secret' }] },
    { rules: Array(101).fill(rule) },
    { rules: [{ ...rule, topics: Array(257).fill('a') }] },
    [{ ...long, action: 'constructor' }],
    [{ ...long, clientid_re: 'secret' }],
    [{ ...long, topics: ['a'] }],
    [{ ...long, topic: 'eq secret/#' }],
    [{ ...long, topic: 't/${secret}' }],
    [{ ...long, qos: [1, 2] }],
    [{ ...long, qos: [] }],
    [{ ...long, retain: true }],
    [{ ...long, topics: [], topic: undefined }],
    [{ ...long, permission: 'deny', qos: 0 }],
    { rules: [{ ...rule, topics: [] }] },
    { rules: [{ ...rule, topics: ['secret/{unknown}'] }] },
    { rules: [{ ...rule, action: 'deny', retain: false }] },
    { rules: [{ ...rule, action: 'deny', qosMax: 0 }] },
    { rules: [{ ...rule, to: ['subscribe'], retain: false }] },
  ];
  for (const value of wrong)
    assert.throws(
      () => readCarriedRules(value),
      (error: Error) => /^Cannot use the rules .* expected/.test(error.message) && !error.message.includes('secret'),
      JSON.stringify(value),
    );
});

test('a rule means what the Authorizer decides by it: limits of what is allowed, and denials that always win', () => {
  const { rules } = readCarriedRules({
    rules: [
      { action: 'allow', to: ['publish'], topics: ['a'], qosMax: 1, retain: false },
      { action: 'allow', to: ['publish', 'subscribe'], topics: ['b'], qosMax: 1, retain: true },
      { action: 'deny', to: ['publish'], topics: ['c'] },
      { action: 'allow', to: ['publish'], topics: ['c'] },
    ],
  });
  const may = permissionsOf({ rules });
  const publish = (topic: string, qos: 0 | 1 | 2, retain: boolean): number => may.mayPublish(topic, qos, retain);
  assert.deepEqual([publish('a', 1, false), publish('a', 2, false), publish('a', 1, true)], [0, 0x87, 0x87]);
  assert.deepEqual([publish('b', 1, false), publish('b', 1, true), publish('b', 2, true)], [0, 0, 0x87]);
  assert.equal(may.maySubscribe('b', 2), 1);
  assert.equal(publish('c', 0, false), 0x87);
});

test('an empty list of EMQX takes nothing from the others', () => {
  const may = permissionsOf(readCarriedRules({ pub: ['p'], sub: [], all: [] }));
  assert.deepEqual([may.mayPublish('p', 2, true), may.maySubscribe('p', 0)], [0, 0x87]);
});

test('what is read here, the Authorizer can read', () => {
  const topic = fc.constantFrom(
    'a',
    'a/#',
    '{username}/b',
    '%c',
    '{attr.x}',
    '{other}',
    'x{',
    '$SYS/#',
    '$share/g/a',
    '/',
  );
  const rule = fc.record(
    {
      action: fc.constantFrom('allow', 'deny'),
      to: fc.subarray(['publish', 'subscribe', 'will']),
      topics: fc.array(topic, { maxLength: 3 }),
      qosMax: fc.constantFrom(0, 1, 2),
      retain: fc.boolean(),
    },
    { requiredKeys: ['action', 'to', 'topics'] },
  );
  let read = 0;
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 3 }), (rules) => {
      let carried: CarriedRules;
      try {
        carried = readCarriedRules({ rules });
      } catch {
        return;
      }
      read += 1;
      assert.doesNotMatch(permissionsOf(carried).explain('publish', 'z', 0, false), /cannot be read/);
    }),
  );
  assert.ok(read > 0);
});

function permissionsOf(claims: CarriedRules): Permissions {
  const permissions = compileRules(undefined).permissions('client', { ...NOBODY, username: 'ada', claims });
  assert.ok(permissions);
  return permissions;
}

test('any JSON is read or refused, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        assert(Array.isArray(readCarriedRules(value).rules));
      } catch (error) {
        assert.match((error as Error).message, /^Cannot use the rules/);
      }
    }),
  );
});
