import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketWriter } from './packet-writer.ts';

function hex(writer: PacketWriter): string {
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex');
}

/** One byte and an open block, whose guess and place come with it. */
function begun(guess?: number): { writer: PacketWriter; finish(): void } {
  const writer = new PacketWriter();
  writer.byte(0x30);
  const body = writer.openBlock(guess);
  return { writer, finish: () => writer.closeBlock(body, guess) };
}

test('puts the length in front of the fields', () => {
  const { writer, finish } = begun();
  writer.byte(7);
  writer.uint16(258);
  writer.text('é', 'b');
  writer.binary(Uint8Array.of(9), 'c');
  writer.raw(Uint8Array.of(1, 2));
  const block = writer.openBlock();
  writer.varint(300);
  writer.closeBlock(block);
  finish();
  assert.equal(hex(writer), '300f' + '07' + '0102' + '0002c3a9' + '000109' + '0102' + '02ac02');
});

test('writes a Remaining Length of one to four bytes around each border, whatever was guessed [MQTT-1.5.5-1]', () => {
  const borders = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];
  for (const length of borders) {
    for (const guess of borders) {
      const { writer, finish } = begun(guess);
      writer.raw(new Uint8Array(length).fill(0xee));
      finish();
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
    writer.byte(0x30);
    const body = writer.openBlock();
    for (let count = 0; count < packet; count++) writer.byte(packet);
    writer.closeBlock(body);
  }
  const expected = Array.from({ length: 100 }, (_, packet) => [
    0x30,
    packet,
    ...new Array<number>(packet).fill(packet),
  ]);
  assert.deepEqual([...writer.bytes.subarray(0, writer.length)], expected.flat());
});

test('forgets what lies behind a length that is set back', () => {
  const { writer, finish } = begun();
  finish();
  const { length } = writer;
  writer.openBlock();
  writer.text('half', 'Field');
  writer.length = length;
  writer.byte(0xc0);
  writer.closeBlock(writer.openBlock());
  assert.equal(hex(writer), '3000c000');
});

test('refuses numbers and lengths that do not fit their field', () => {
  const writer = new PacketWriter();
  writer.carrier = 'subscribe';
  for (const value of [-1, 65_536, 1.5, Number.NaN, '1' as never]) {
    const expected = { code: 'protocol-error', message: /SUBSCRIBE: its Field is .* expected 0 to 65535/ };
    assert.throws(() => writer.check(value, 0, 65_535, 'Field'), expected);
    assert.throws(() => writer.packetId(value), { code: 'protocol-error' });
  }
  assert.throws(() => writer.packetId(0), { code: 'protocol-error' });
  assert.throws(() => writer.text(5 as unknown as string, 'Field'), { code: 'protocol-error' });
  assert.throws(() => writer.binary(new Uint8Array(65_536), 'Field'), { code: 'protocol-error' });
});

test('writes 65535 bytes of text and not one more [MQTT-4.7.3-3]', () => {
  for (const longest of ['x'.repeat(65_535), 'é'.repeat(32_767)]) {
    const { writer } = begun();
    writer.text(longest, 'Field');
    for (const longer of ['x'.repeat(65_536), `${longest}é`]) {
      assert.throws(() => writer.text(longer, 'Field'), { code: 'protocol-error' });
    }
  }
});
