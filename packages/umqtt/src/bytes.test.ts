import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bytes, decodable, encoded } from './bytes.ts';

test('bytes are a Uint8Array whose decode() gives the text', () => {
  const bytes = encoded('grüße');
  assert.ok(bytes instanceof Uint8Array);
  assert.equal(bytes.length, 7);
  assert.equal(bytes.decode(), 'grüße');
  assert.equal(decodable(Uint8Array.of(0xe9)).decode('latin1'), 'é');
});

test('a byte order mark is a character of the text', () => {
  assert.equal(encoded('\ufeffa').decode(), '\ufeffa');
});

test('bytes that are no text are refused, not repaired', () => {
  assert.throws(() => decodable(Uint8Array.of(0xff, 0xfe)).decode(), TypeError);
  assert.throws(() => encoded('a').decode('klingon'), RangeError);
});

test('a part of the bytes has decode() too', () => {
  assert.equal(encoded('topic/name').subarray(6).constructor, Bytes);
});

test('bytes are made decodable without a copy', () => {
  const bytes = new TextEncoder().encode('a/b');
  const part = decodable(bytes.subarray(2));
  assert.equal(part.decode(), 'b');
  assert.equal(part.buffer, bytes.buffer);
});
