import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serialize } from 'node:v8';
import { Chunk } from './chunks.ts';
import { DamagedValue } from './reader.ts';
import { writeRecordText } from './record-text.ts';
import { decodeRecord, encodeRecord } from './table-values.ts';

const HEADER = [0, 0, 0, 0, 0, 7];

test('keeps a value and its revision, and nothing of the bytes that it was read from', () => {
  const value = { text: 'ä', bytes: new Uint8Array([1]) };
  const { bytes, start, end } = encodeRecord({ room: (size) => new Chunk(size) }, 7, writeRecordText(value));
  const written = Buffer.from(bytes.subarray(start, end));
  assert.deepEqual([...written.subarray(0, 7)], [2, ...HEADER]);
  const found = decodeRecord(written);
  written.fill(0);
  assert.deepEqual(found, { revision: 7, value });
});

test('reads a record of format 3', () => {
  const value = { text: 'ä', bytes: new Uint8Array([1]), when: Infinity };
  const written = Buffer.from([1, ...HEADER, ...serialize(value)]);
  const found = decodeRecord(written);
  written.fill(0);
  assert.deepEqual(found, { revision: 7, value });
});

test('refuses damaged records', () => {
  for (const bytes of [
    [],
    [1, 0],
    [2, 0],
    [3, ...HEADER, 0x31],
    [2, ...HEADER],
    [2, ...HEADER, 99],
    [1, ...HEADER, 99],
  ])
    assert.throws(() => decodeRecord(Buffer.from(bytes)), DamagedValue);
});
