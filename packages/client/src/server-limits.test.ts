import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttError } from './errors.ts';
import { checkPublish, checkSubscription, limitsOf } from './server-limits.ts';

const connack = (properties = {}) => ({ type: 'connack' as const, sessionPresent: false, reasonCode: 0, properties });
const plain = { topic: 'a', qos: 0 as const, retain: false, properties: {} };
const request = { filter: 'a', qos: 0 as const, noLocal: false, retainAsPublished: false, retainHandling: 0 as const };
const withCode = (reasonCode: number | undefined) => (error: unknown) =>
  error instanceof MqttError && error.reasonCode === reasonCode;

test('without properties the server takes what the standard says', () => {
  const limits = limitsOf(connack());
  checkPublish(limits, 5, { ...plain, qos: 2, retain: true });
  checkSubscription(limits, 5, { ...request, filter: '$share/g/+/#' }, { subscriptionIdentifiers: [1] });
  assert.equal(limits.receiveMaximum, 65_535);
});

test('each limit is told with its Reason Code', () => {
  const limits = limitsOf(connack({ maximumQoS: 1, retainAvailable: 0, topicAliasMaximum: 1 }));
  checkPublish(limits, 5, { ...plain, qos: 1, properties: { topicAlias: 1 } });
  assert.throws(() => checkPublish(limits, 5, { ...plain, qos: 2 }), withCode(0x9b));
  assert.throws(() => checkPublish(limits, 5, { ...plain, retain: true }), withCode(0x9a));
  assert.throws(() => checkPublish(limits, 5, { ...plain, properties: { topicAlias: 2 } }), withCode(0x94));
});

test('before 5.0 properties are refused by name', () => {
  const limits = limitsOf(connack());
  assert.throws(
    () => checkPublish(limits, 4, { ...plain, properties: { contentType: 'x' } }),
    /properties \(contentType\) need MQTT 5\.0/,
  );
  checkSubscription(limits, 4, request, {});
});
