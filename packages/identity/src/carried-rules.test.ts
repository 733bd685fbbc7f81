import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readCarriedRules } from './carried-rules.ts';

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
      { action: 'allow', to: ['publish', 'will', 'subscribe'], topics: [] },
    ],
  });
  assert.deepEqual(readCarriedRules({}), { rules: [] });
});

test("EMQX's rules are taken with their variables, QoS and RETAIN", () => {
  const given = [
    { permission: 'allow', action: 'publish', topic: 't/${clientid}/${username}', qos: [0, 1], retain: true },
    { permission: 'deny', action: 'all', topics: ['a', 'b'], retain: 'all' },
    { permission: 'allow', action: 'subscribe', topic: 'c', qos: 0 },
  ];
  assert.deepEqual(readCarriedRules(given), {
    rules: [
      { action: 'allow', to: ['publish', 'will'], topics: ['t/{clientId}/{username}'], qosMax: 1, retain: true },
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
  ];
  for (const value of wrong)
    assert.throws(
      () => readCarriedRules(value),
      (error: Error) => /^Cannot use the rules .* expected/.test(error.message) && !error.message.includes('secret'),
      JSON.stringify(value),
    );
});

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
