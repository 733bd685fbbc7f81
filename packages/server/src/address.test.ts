import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf, hostAndPort, isLoopback } from './address.ts';

test('knows which addresses only this machine can reach', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
    assert.equal(isLoopback(host), true, host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'fe80::1', 'broker.local', '', '127.0.0.1.example.org'])
    assert.equal(isLoopback(host), false, host);
});

test('takes both loopback addresses for localhost', () => {
  assert.deepEqual(addressesOf('localhost'), ['127.0.0.1', '::1']);
  assert.deepEqual(addressesOf('0.0.0.0'), ['0.0.0.0']);
});

test('writes IPv6 in brackets', () => {
  assert.equal(hostAndPort('::1', 1883), '[::1]:1883');
  assert.equal(hostAndPort('127.0.0.1', 1883), '127.0.0.1:1883');
});
