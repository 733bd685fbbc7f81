import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey } from './address-key.ts';

test('an IPv4 address stands for itself, in IPv6 clothes as well', () => {
  for (const text of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:c000:0207'])
    assert.equal(addressKey(text), '192.0.2.7', text);
});

test('an IPv6 address stands for its /64', () => {
  for (const text of ['2001:db8::1', '2001:0db8:0:0:ffff::', '2001:db8:0:0:1:2:3:4', '2001:db8::1.2.3.4'])
    assert.equal(addressKey(text), '2001:db8:0:0::/64', text);
  assert.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(addressKey('::1'), '0:0:0:0::/64');
  assert.notEqual(addressKey('2001:db8:0:1::1'), addressKey('2001:db8::1'));
});

test('what is no IP address has no key', () => {
  for (const text of ['memory', '', 'unix', '1.2.3', '::g']) assert.equal(addressKey(text), undefined, text);
});
