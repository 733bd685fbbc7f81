import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetIdentifiers } from './packet-identifiers.ts';

test('identifiers are given in turn, and around again without 0 and those in use [MQTT-2.2.1-3]', () => {
  const publishes = new Map([[2, 'a']]);
  const requests = new Map([[3, 'b']]);
  const next = packetIdentifiers(publishes, requests);
  assert.deepEqual([next(), next()], [1, 4]);
  publishes.delete(2);
  for (let packetId = 5; packetId <= 65_535; packetId++) assert.equal(next(), packetId);
  assert.deepEqual([next(), next(), next()], [1, 2, 4]);
});
