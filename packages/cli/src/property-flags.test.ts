import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProperties, PROPERTIES } from '@dunlin/protocol';
import {
  addProperty,
  anyProperties,
  type GivenProperties,
  type PropertyTarget,
  propertiesOf,
  propertyArgumentCount,
  propertyHelp,
} from './property-flags.ts';

const TARGETS: readonly PropertyTarget[] = ['connect', 'publish', 'subscribe', 'unsubscribe', 'disconnect', 'will'];

/** Authentication Data needs one. */
const METHOD = 'authentication-method';

test('every property that a client may send can be given, and the codec writes it', () => {
  const values = { byte: '1', uint16: '5', uint32: '70000', varint: '300', text: 'text', binary: 'bytes', pair: 'x' };
  for (const target of TARGETS) {
    for (const property of propertiesOf(target)) {
      const given: GivenProperties = {};
      const name = property.name.toLowerCase().replaceAll(' ', '-');
      const tail = property.type === 'pair' ? ['name', 'value'] : [values[property.type]];
      addProperty(given, TARGETS, [target.toUpperCase(), name, ...tail]);
      if (property.key === 'authenticationData') addProperty(given, TARGETS, [target.toUpperCase(), METHOD, 'M']);
      assert.ok(encodeProperties(given[target] ?? {}, target).length > 2, `${target} ${name}`);
    }
  }
});

test('nothing that only a server sends is offered', () => {
  const names = TARGETS.flatMap((target) => propertiesOf(target).map(({ key }) => `${target} ${key}`));
  for (const name of ['publish subscriptionIdentifiers', 'disconnect serverReference', 'connect reasonString']) {
    assert.ok(!names.includes(name));
  }
  const offered = new Set(TARGETS.flatMap((target) => propertiesOf(target)));
  const serverOnly = PROPERTIES.filter((property) => !offered.has(property)).map(({ key }) => key);
  assert.deepEqual(serverOnly, [
    'assignedClientIdentifier',
    'serverKeepAlive',
    'responseInformation',
    'serverReference',
    'reasonString',
    'maximumQoS',
    'retainAvailable',
    'wildcardSubscriptionAvailable',
    'subscriptionIdentifierAvailable',
    'sharedSubscriptionAvailable',
  ]);
});

test('User Properties add up in order, others stand once', () => {
  const given: GivenProperties = {};
  for (const [name, value] of [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
  ]) {
    addProperty(given, TARGETS, ['publish', 'user-property', name, value]);
  }
  addProperty(given, TARGETS, ['SUBSCRIBE', 'subscription-identifier', '7']);
  assert.deepEqual(given, {
    publish: {
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    },
    subscribe: { subscriptionIdentifiers: [7] },
  });
  assert.throws(() => addProperty(given, TARGETS, ['SUBSCRIBE', 'subscription-identifier', '8']), /twice/);
});

test('a User Property takes one argument more', () => {
  assert.equal(propertyArgumentCount(['PUBLISH', 'user-property', 'a', 'b']), 4);
  assert.equal(propertyArgumentCount(['PUBLISH', 'content-type', 'a', 'b']), 3);
});

test('what cannot be is refused with what can', () => {
  assert.throws(() => addProperty({}, ['publish'], ['CONNECT', 'receive-maximum', '5']), /expected one of PUBLISH/);
  assert.throws(
    () => addProperty({}, TARGETS, ['PUBLISH', 'receive-maximum', '5']),
    /expected one of payload-format-indicator, /,
  );
  for (const value of ['0', '65536', 'x', '', '-1']) {
    assert.throws(() => addProperty({}, TARGETS, ['CONNECT', 'receive-maximum', value]), /from 1 to 65535/);
  }
  assert.throws(() => addProperty({}, TARGETS, ['PUBLISH', 'payload-format-indicator', '2']), /from 0 to 1/);
});

test('the help names each packet and property', () => {
  const help = propertyHelp(['publish']).join('\n');
  assert.match(help, /^PUBLISH:\n {3}payload-format-indicator /);
  assert.deepEqual([anyProperties({}), anyProperties({ publish: {} })], [false, true]);
});
