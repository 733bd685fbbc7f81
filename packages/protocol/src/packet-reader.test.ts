import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketReader } from './packet-reader.ts';

/** A reader of these bytes, which lie between others. */
function reader(...bytes: readonly number[]): PacketReader {
  return new PacketReader('puback', 'client', 5, Uint8Array.of(0xff, ...bytes, 0, 1, 0x61), 1, 1 + bytes.length);
}

test('reads fields in order and then is at the end', () => {
  const fields = reader(7, 1, 2, 0, 1, 0x61, 0, 2, 8, 9, 0x80, 0x81, 0x82, 0x83, 0xc8, 1);
  assert.equal(fields.byte('a'), 7);
  assert.equal(fields.uint16('b'), 258);
  assert.equal(fields.text('c'), 'a');
  assert.deepEqual(fields.binary('d'), Uint8Array.of(8, 9));
  assert.equal(fields.uint32('e'), 0x8081_8283);
  assert.equal(fields.varint(), 200);
  assert.equal(fields.rest, 0);
  fields.finish();
});

test('never reads behind the end, and names the field', () => {
  const expected = { code: 'malformed-packet', message: /PUBACK: the packet ends inside its Field/ };
  assert.throws(() => reader().byte('Field'), expected);
  assert.throws(() => reader(1).uint16('Field'), expected);
  assert.throws(() => reader(0, 1).text('Field'), expected);
  assert.throws(() => reader(0, 3, 1, 2).binary('Field'), expected);
  assert.throws(() => reader(1, 2, 3).uint32('Field'), expected);
  assert.throws(() => reader(0x80).varint(), { code: 'malformed-packet' });
});

test('refuses Packet Identifier 0 [MQTT-2.2.1-3]', () => {
  assert.throws(() => reader(0, 0).packetId(), { code: 'protocol-error' });
  assert.equal(reader(0xff, 0xff).packetId(), 65_535);
});

test('refuses bytes left over', () => {
  assert.throws(() => reader(0).finish(), { code: 'malformed-packet', message: /1 bytes are left over/ });
});
