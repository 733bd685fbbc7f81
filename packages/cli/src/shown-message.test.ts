import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactText, payloadText, withoutIdentifiers } from './shown-message.ts';

const message = {
  topic: 'a',
  payload: Uint8Array.of(0xef, 0xbb, 0xbf, 0x78, 0xff),
  qos: 1 as const,
  retain: true,
  dup: true,
  packetId: 3,
  properties: { subscriptionIdentifiers: [1], contentType: 'c' },
};

test('a message is shown without Subscription Identifiers, and is not changed itself', () => {
  assert.deepEqual(withoutIdentifiers(message), { ...message, properties: { contentType: 'c' } });
  assert.deepEqual(message.properties.subscriptionIdentifiers, [1]);
});

test('a payload is text as far as it goes, or only where all of it is', () => {
  assert.equal(payloadText(message), '\ufeffx\ufffd');
  assert.equal(exactText(message), undefined);
  assert.equal(exactText({ ...message, payload: message.payload.subarray(0, 4) }), '\ufeffx');
});
