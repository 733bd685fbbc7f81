import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from '@dunlin/protocol';
import { type AccessQuestion, explainAccess } from './access-report.ts';
import { compileRules } from './rule-authorizer.ts';
import { readRules } from './rule-input.ts';
import { principal } from './testing/principal.ts';

const authorizer = compileRules(
  readRules({
    rules: [
      { allow: 'all', topics: 'cameras/{username}/#', qosMax: 1 },
      { deny: 'publish', topics: 'cameras/+/secret' },
    ],
  }),
  { broaderFilter: 'check' },
);

function asked(said: Partial<AccessQuestion>) {
  return explainAccess({
    authorizer,
    principal: principal({ username: 'ada' }),
    clientId: 'c',
    action: 'publish',
    topic: 'cameras/ada/x',
    qos: 0,
    retain: false,
    ...said,
  });
}

test('says whether, with which code and by which rule', () => {
  const allow = 'rules[0]: allow publish, subscribe, will to "cameras/{username}/#" with QoS 1 at most';
  assert.deepEqual(asked({}), {
    isAllowed: true,
    reasonCode: 0,
    refusal: undefined,
    isCheckedAtDelivery: false,
    decidedBy: `${allow}, here "cameras/ada/#"`,
  });
  assert.deepEqual(asked({ action: 'will', topic: 'cameras/ada/secret' }), {
    isAllowed: false,
    reasonCode: 0x87,
    refusal: 'Not authorized',
    isCheckedAtDelivery: false,
    decidedBy: 'rules[1]: deny publish of "cameras/+/secret"',
  });
  assert.match(asked({ qos: 2 }).decidedBy, /: only with QoS 1 at most$/);
});

test('says what is granted of a filter, shared or not, and what is checked at delivery', () => {
  const granted = ({ action = 'subscribe', ...said }: Partial<AccessQuestion>) => {
    const { reasonCode, isCheckedAtDelivery } = asked({ action, ...said });
    return [reasonCode, isCheckedAtDelivery];
  };
  assert.deepEqual(granted({ topic: 'cameras/ada/#', qos: 2 }), [1, false]);
  assert.deepEqual(granted({ topic: '$share/g/cameras/#', qos: 0 }), [0, true]);
  assert.deepEqual(granted({ topic: 'x' }), [0x87, false]);
  assert.deepEqual(granted({ action: 'receive', topic: 'cameras/ada/x' }), [0, false]);
  assert.deepEqual(granted({ action: 'receive', topic: 'cameras/bob/x' }), [0x87, false]);
});

test('says that everything is allowed where there are no rules', () => {
  assert.deepEqual(asked({ authorizer: undefined, action: 'subscribe', topic: '#', qos: 2 }), {
    isAllowed: true,
    reasonCode: 2,
    refusal: undefined,
    isCheckedAtDelivery: false,
    decidedBy: 'there are no rules: everything is allowed',
  });
});

test('refuses to ask about what is no topic or filter', () => {
  for (const said of [
    { topic: 'a/+' },
    { action: 'subscribe', topic: 'a/#/b' },
    { action: 'subscribe', topic: '$share/g' },
  ] as const)
    assert.throws(() => asked(said), MqttError);
});
