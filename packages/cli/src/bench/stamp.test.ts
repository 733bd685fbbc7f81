import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStamp, STAMP_BYTES, STAMP_MAX, writeStamp } from './stamp.ts';

test('a stamp is read as it was written, up to its largest values', () => {
  for (const stamp of [
    { run: 1, publisher: 2, sequence: 3, sentUs: 4 },
    { ...STAMP_MAX, sentUs: 0xff_ffff_ffff },
  ]) {
    const payload = Buffer.alloc(STAMP_BYTES + 4);
    writeStamp(payload, stamp);
    assert.deepEqual(readStamp(payload), stamp);
  }
});

test('what is too short and what others publish has none', () => {
  assert.equal(readStamp(Buffer.alloc(STAMP_BYTES - 1, 0xd1)), undefined);
  assert.equal(readStamp(Buffer.from('a payload of sixteen bytes or more')), undefined);
});
