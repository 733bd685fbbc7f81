import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientHelloIn } from './client-hello.ts';

test('a ClientHello is whole with the last byte of its first record, not before', () => {
  const hello = Buffer.from('1603010004010000aa', 'hex');
  for (let length = 0; length < hello.length; length += 1)
    assert.equal(clientHelloIn(hello.subarray(0, length)), 'partial', String(length));
  assert.equal(clientHelloIn(hello), 'whole');
  assert.equal(clientHelloIn(Buffer.concat([hello, hello])), 'whole');
});

test('whatever cannot be a ClientHello is known by the first byte that differs', () => {
  for (const hex of ['10', '474554', '1602', '1603010000', '1603014001', '160301000402', '150301000201'])
    assert.equal(clientHelloIn(Buffer.from(hex, 'hex')), 'other', hex);
  assert.equal(clientHelloIn(Buffer.from('1603014000', 'hex')), 'partial');
});
