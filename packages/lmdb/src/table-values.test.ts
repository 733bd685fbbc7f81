import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chunk } from './chunks.ts';
import { DamagedValue } from './reader.ts';
import { decodeRecord, encodeRecord, serializeValue } from './table-values.ts';

test('keeps plain data with its types and its revision', () => {
  const value = {
    text: 'ä',
    when: new Date(5),
    bytes: new Uint8Array([1]),
    nothing: undefined,
    map: new Map([[1, 2n]]),
  };
  const { bytes, start, end } = encodeRecord({ room: (size) => new Chunk(size) }, 7, serializeValue(value));
  const found = decodeRecord(Buffer.from(bytes.subarray(start, end)));
  assert.equal(found.revision, 7);
  assert.deepEqual({ ...(found.value as object), bytes: [1] }, { ...value, bytes: [1] });
});

test('refuses what is no data, and damaged data', () => {
  assert.throws(() => serializeValue({ act: () => undefined }));
  assert.throws(() => decodeRecord(Buffer.from([1, 0, 0, 0, 0, 0, 1, 99, 99])), DamagedValue);
  assert.throws(() => decodeRecord(Buffer.from([1, 0])), DamagedValue);
});
