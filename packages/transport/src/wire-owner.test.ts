import assert from 'node:assert/strict';
import { test } from 'node:test';
import { peerOf } from './wire-owner.ts';

test('an IPv4 address in IPv6 form is shown as IPv4, others as they are', () => {
  assert.deepEqual(peerOf('::ffff:10.1.2.3', 5), { address: '10.1.2.3', port: 5 });
  assert.deepEqual(peerOf('::ffff:a01:203', 5), { address: '10.1.2.3', port: 5 });
  assert.deepEqual(peerOf('2001:db8::1', 6), { address: '2001:db8::1', port: 6 });
});

test('an unknown peer has an empty address', () => {
  assert.deepEqual(peerOf(undefined, undefined), { address: '', port: 0 });
});
