import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBase64, readUnpaddedBase64, unpaddedBase64 } from './base64.ts';

test('reads Base64 in its one spelling', () => {
  assert.deepEqual(readBase64('AQI='), Buffer.from([1, 2]));
  for (const wrong of ['AQI', 'AQJ=', 'AQI= ', 'A-I=', 'AQ==I']) assert.equal(readBase64(wrong), undefined, wrong);
});

test('reads and writes Base64 without padding', () => {
  assert.equal(unpaddedBase64(Buffer.from([1, 2])), 'AQI');
  assert.deepEqual(readUnpaddedBase64('AQI'), Buffer.from([1, 2]));
  for (const wrong of ['AQI=', 'AQJ', 'A_I']) assert.equal(readUnpaddedBase64(wrong), undefined, wrong);
});
