import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkFirstByte } from './first-byte.ts';

test('CONNACK, DISCONNECT and AUTH may come first, and nothing else', () => {
  for (const first of [0x20, 0xe0, 0xf0]) checkFirstByte(first);
  for (const first of [0x00, 0x30, 0x21, 'H'.charCodeAt(0)]) {
    assert.throws(() => checkFirstByte(first), { code: 'protocol-error', message: /expected CONNACK \(0x20\)/ });
  }
});
