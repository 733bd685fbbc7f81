import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS } from './settings.ts';
import { World } from './testing/world.ts';

test('by default everything that the standard makes optional is available', () => {
  const {
    maximumQoS,
    retainAvailable,
    wildcardSubscriptionAvailable,
    subscriptionIdentifierAvailable,
    sharedSubscriptionAvailable,
  } = DEFAULT_SETTINGS;
  assert.deepEqual(
    [
      maximumQoS,
      retainAvailable,
      wildcardSubscriptionAvailable,
      subscriptionIdentifierAvailable,
      sharedSubscriptionAvailable,
    ],
    [2, true, true, true, true],
  );
});

test('takes what is not set from the defaults', () => {
  const { settings } = new World({ settings: { maximumQoS: 1 } }).broker;
  assert.deepEqual(settings, { ...DEFAULT_SETTINGS, maximumQoS: 1, sysIntervalS: 0 });
});

test('accepts control characters and non-characters only where text is not strict; U+0000 never', () => {
  for (const strictText of [true, false]) {
    const world = new World({ settings: { strictText } });
    const publisher = world.connect('p');
    publisher.send(Buffer.from('300500010100' + '61', 'hex'));
    assert.equal(publisher.isClosed, strictText);
    const other = world.connect('q');
    other.send(Buffer.from('300500010000' + '61', 'hex'));
    assert.equal(other.isClosed, true);
  }
});
