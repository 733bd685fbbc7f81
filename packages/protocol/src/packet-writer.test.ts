import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketWriter } from './packet-writer.ts';

function hex(writer: PacketWriter): string {
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');
}

function begun(bodyBytes?: number): PacketWriter {
  const writer = new PacketWriter();
  writer.begin('TEST', 0x30, bodyBytes);
  return writer;
}

test('puts the fixed header in front of the fields', () => {
  const writer = begun();
  writer.byte(7);
  writer.uint16(258, 'a');
  writer.text('é', 'b');
  writer.binary(Uint8Array.of(9), 'c');
  writer.raw(Uint8Array.of(1, 2));
  const block = writer.openBlock();
  writer.varint(300);
  writer.closeBlock(block);
  writer.finish();
  assert.equal(hex(writer), '300f' + '07' + '0102' + '0002c3a9' + '000109' + '0102' + '02ac02');
});

test('writes a Remaining Length of one to four bytes around each border, whatever was guessed [MQTT-1.5.5-1]', () => {
  const borders = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];
  for (const length of borders) {
    for (const guess of borders) {
      const writer = begun(guess);
      writer.raw(new Uint8Array(length).fill(0xee));
      writer.finish();
      const { bytes } = writer;
      let [value, size] = [0, 0];
      do {
        value |= (bytes[1 + size] & 0x7f) << (7 * size);
      } while (bytes[1 + size++] >= 0x80);
      assert.equal(value, length);
      assert.equal(writer.length, 1 + size + length);
      assert.ok(bytes.subarray(1 + size, writer.length).every((byte) => byte === 0xee));
    }
  }
});

test('writes one packet behind the other, however it grows', () => {
  const writer = new PacketWriter(1);
  for (let packet = 0; packet < 100; packet++) {
    writer.begin('TEST', 0x30);
    for (let count = 0; count < packet; count++) writer.byte(packet);
    writer.finish();
  }
  const expected = Array.from({ length: 100 }, (_, packet) => [
    0x30,
    packet,
    ...new Array<number>(packet).fill(packet),
  ]);
  assert.deepEqual([...writer.bytes.subarray(0, writer.length)], expected.flat());
});

test('forgets what lies behind a length that is set back', () => {
  const writer = begun();
  writer.finish();
  const { length } = writer;
  writer.begin('TEST', 0xff);
  writer.text('half', 'Field');
  writer.length = length;
  writer.begin('TEST', 0xc0);
  writer.finish();
  assert.equal(hex(writer), '3000c000');
});

test('refuses numbers and lengths that do not fit their field', () => {
  const writer = begun();
  for (const value of [-1, 65_536, 1.5, Number.NaN]) {
    assert.throws(() => writer.uint16(value, 'Field'), { code: 'protocol-error', message: /TEST: its Field is/ });
  }
  assert.throws(() => writer.packetId(0), { code: 'protocol-error' });
  assert.throws(() => writer.text(5 as unknown as string, 'Field'), { code: 'protocol-error' });
  assert.throws(() => writer.binary(new Uint8Array(65_536), 'Field'), { code: 'protocol-error' });
});

test('writes 65535 bytes of text and not one more [MQTT-4.7.3-3]', () => {
  for (const longest of ['x'.repeat(65_535), 'é'.repeat(32_767)]) {
    const writer = begun();
    writer.text(longest, 'Field');
    for (const longer of ['x'.repeat(65_536), `${longest}é`]) {
      assert.throws(() => writer.text(longer, 'Field'), { code: 'protocol-error' });
    }
  }
});
