import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  CONNECTION_REFUSED,
  ERRNO,
  ERRNO_NAMES,
  ERRNO_OF_REASON,
  ERRNO_TEXTS,
  ERROR_TEXTS,
  RETURN_CODE_TEXTS,
  RETURN_CODES,
} from './error-table.ts';

test('the sixteen classic codes have the numbers that every wrapper knows', () => {
  assert.equal(ERRNO_NAMES.length, 16);
  assert.deepEqual(
    [4, 5, 7, 11, 15].map((errno) => ERRNO_NAMES[errno]),
    ['MQTT_ERR_NO_CONN', 'MQTT_ERR_CONN_REFUSED', 'MQTT_ERR_CONN_LOST', 'MQTT_ERR_AUTH', 'MQTT_ERR_QUEUE_SIZE'],
  );
});

test('every code of an error is a classic code other than success', () => {
  for (const errno of [...Object.values(ERRNO), ...Object.values(ERRNO_OF_REASON)]) {
    assert.ok(errno >= 2 && errno <= 15, String(errno));
  }
});

test('every classic code but success and want of memory comes from somewhere', () => {
  const used = new Set<number>([...Object.values(ERRNO), ...Object.values(ERRNO_OF_REASON), CONNECTION_REFUSED]);
  assert.deepEqual(
    ERRNO_NAMES.filter((_name, errno) => !used.has(errno)),
    ['MQTT_ERR_SUCCESS', 'MQTT_ERR_NOMEM'],
  );
});

test('every code has its texts in the reference', () => {
  assert.deepEqual(Object.keys(ERROR_TEXTS), Object.keys(ERRNO));
  assert.equal(ERRNO_TEXTS.length, ERRNO_NAMES.length);
  for (const returnCode of Object.values(RETURN_CODES)) assert.ok(RETURN_CODE_TEXTS[returnCode]);
});
