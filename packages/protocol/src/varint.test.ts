import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MqttError } from './errors.ts';
import { readVarint, VARINT_MAXIMUM, varintSize, writeVarint } from './varint.ts';

/** Table 1-1 of the standard. */
const EDGES: readonly [number, string][] = [
  [0, '00'],
  [1, '01'],
  [127, '7f'],
  [128, '8001'],
  [16_383, 'ff7f'],
  [16_384, '808001'],
  [2_097_151, 'ffff7f'],
  [2_097_152, '80808001'],
  [268_435_455, 'ffffff7f'],
];

function malformed(hex: string, end = hex.length / 2): void {
  assert.throws(
    () => readVarint(Buffer.from(hex, 'hex'), 0, end),
    (error) => error instanceof MqttError && error.reasonCode === 0x81,
  );
}

test('writes and reads the edges of each size in the fewest bytes [MQTT-1.5.5-1]', () => {
  for (const [value, hex] of EDGES) {
    const bytes = new Uint8Array(6);
    assert.equal(writeVarint(bytes, 1, value), 1 + hex.length / 2);
    assert.equal(Buffer.from(bytes.subarray(1, 1 + hex.length / 2)).toString('hex'), hex);
    assert.equal(varintSize(value), hex.length / 2);
    assert.equal(readVarint(bytes, 1, 6), value);
  }
});

test('refuses padded forms [MQTT-1.5.5-1]', () => {
  for (const hex of ['8000', '808000', '80808000', 'ff00', '818000']) malformed(hex);
});

test('refuses five bytes [MQTT-1.5.5-1]', () => {
  for (const hex of ['8080808001', 'ffffffff7f', '8080808000', 'ffffffffff']) malformed(hex);
});

test('refuses an integer whose bytes end too early', () => {
  for (const hex of ['', '80', '8080', 'ffffff']) malformed(hex);
  malformed('8001', 1);
});

test('reads back what it wrote', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: VARINT_MAXIMUM }), (value) => {
      const bytes = new Uint8Array(4);
      const end = writeVarint(bytes, 0, value);
      assert.equal(end, varintSize(value));
      assert.equal(readVarint(bytes, 0, end), value);
    }),
  );
});
