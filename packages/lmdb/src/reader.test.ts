import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DamagedValue, Reader } from './reader.ts';

test('reads what was written, in order', () => {
  const reader = new Reader(Buffer.from([1, 0xff, 1, 2, 0, 0, 0, 3, 0, 0, 0, 0, 1, 0, 0x80, 1, 0x61, 0x62]));
  reader.version(1);
  assert.deepEqual(
    [reader.u8(), reader.u16(), reader.u32(), reader.number(), reader.varint()],
    [255, 258, 3, 256, 128],
  );
  assert.equal(reader.text(1), 'a');
  assert.equal(reader.restText(), 'b');
  reader.finish();
});

test('goes nowhere beyond the end', () => {
  for (const read of [
    (reader: Reader) => reader.u16(),
    (reader: Reader) => reader.u32(),
    (reader: Reader) => reader.number(),
    (reader: Reader) => reader.double(),
    (reader: Reader) => reader.slice(2),
    (reader: Reader) => reader.text(2),
  ])
    assert.throws(() => read(new Reader(Buffer.of(1))), /it ends after 1 bytes, expected were at least [2-8]/);
});

test('refuses other versions, lengths without end, what is no number, and what is left over', () => {
  assert.throws(() => new Reader(Buffer.of(2)).version(1), new DamagedValue('it begins with version 2, expected is 1'));
  assert.throws(() => new Reader(Buffer.alloc(9, 0x80)).varint(), DamagedValue);
  assert.throws(() => new Reader(Buffer.alloc(8, 0xff)).double(), DamagedValue);
  assert.throws(() => new Reader(Buffer.of(1)).finish(), new DamagedValue('1 bytes too many stand at its end'));
});
