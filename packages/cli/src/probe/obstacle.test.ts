import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusal } from './obstacle.ts';

test('a missing feature is an answer, a missing permission is none', () => {
  const suback = { type: 'suback', packetId: 1, properties: {}, reasonCodes: [0x9e] } as const;
  const missing = refusal('SUBSCRIBE', 0x9e, suback, { reasonString: 'not here' });
  assert.deepEqual(
    [missing.answer, missing.reasonCode, missing.message],
    [false, 0x9e, 'SUBSCRIBE: Shared Subscriptions not supported (0x9E): not here'],
  );
  assert.equal(refusal('SUBSCRIBE', 0x87, suback).answer, undefined);
});
