import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketWriter } from './packet-writer.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('puts the fixed header in front of the fields', () => {
  const writer = new PacketWriter('TEST');
  writer.byte(7);
  writer.uint16(258, 'a');
  writer.text('é', 'b');
  writer.binary(Uint8Array.of(9), 'c');
  writer.raw(Uint8Array.of(1, 2));
  writer.properties({ topicAlias: 3 }, 'publish');
  assert.equal(hex(writer.finish(0x30)), '3010' + '07' + '0102' + '0002c3a9' + '000109' + '0102' + '03230003');
});

test('writes a Remaining Length of one to four bytes around each border [MQTT-1.5.5-1]', () => {
  for (const length of [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
    const writer = new PacketWriter('TEST');
    writer.raw(new Uint8Array(length));
    const bytes = writer.finish(0xc0);
    let [value, size] = [0, 0];
    do {
      value |= (bytes[1 + size] & 0x7f) << (7 * size);
    } while (bytes[1 + size++] >= 0x80);
    assert.equal(value, length);
    assert.equal(bytes.length, 1 + size + length);
  }
});

test('grows whatever size was guessed', () => {
  for (const guess of [0, 1, 100, 5000]) {
    const writer = new PacketWriter('TEST', guess);
    for (let count = 0; count < 1000; count++) writer.byte(count & 0xff);
    const bytes = writer.finish(0x30);
    assert.equal(bytes.length, 1003);
    assert.equal(bytes[1002], 999 & 0xff);
  }
});

test('refuses numbers and lengths that do not fit their field', () => {
  const writer = new PacketWriter('TEST');
  for (const value of [-1, 65_536, 1.5, Number.NaN]) {
    assert.throws(() => writer.uint16(value, 'Field'), { code: 'protocol-error', message: /TEST: its Field is/ });
  }
  assert.throws(() => writer.packetId(0), { code: 'protocol-error' });
  assert.throws(() => writer.text('x'.repeat(65_536), 'Field'), { code: 'protocol-error' });
  assert.throws(() => writer.binary(new Uint8Array(65_536), 'Field'), { code: 'protocol-error' });
});
