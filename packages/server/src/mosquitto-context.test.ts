import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importMosquitto } from './mosquitto-import.ts';

test('keeps paths as they are, and says what one that is relative starts from', () => {
  const { yaml, remarks } = importMosquitto('persistence true\npersistence_location data\nacl_file /a', 'm.conf');
  assert.match(yaml, /\ndata: data # from line 2\n/);
  assert.deepEqual(
    remarks.filter(({ line }) => line === 2).map(({ kind, text }) => [kind, text]),
    [['note', 'data starts from the folder of the configuration file here, not from that of the process']],
  );
});
