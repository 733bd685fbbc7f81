import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrustedAddresses } from './trusted-addresses.ts';

test('addresses and ranges of both families are found, and nothing beside them', () => {
  const trusted = readTrustedAddresses(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', '::1']);
  for (const address of ['10.0.0.0', '10.255.255.255', '192.0.2.7', '2001:db8:ffff::1', '::1'])
    assert.ok(trusted.includes(address), address);
  for (const address of ['9.255.255.255', '11.0.0.0', '192.0.2.8', '2001:db9::', '::2', 'unix', '', 'localhost'])
    assert.ok(!trusted.includes(address), address);
});

test('an IPv4 address and its IPv6 form are the same, in the list and in the question', () => {
  const trusted = readTrustedAddresses(['10.0.0.0/8', '::ffff:192.0.2.0/120']);
  for (const address of ['::ffff:10.1.2.3', '::ffff:a01:203', '192.0.2.200', '::ffff:192.0.2.1'])
    assert.ok(trusted.includes(address), address);
  assert.ok(!trusted.includes('192.0.3.1'));
});

test('Unix sockets are trusted by name, and nobody by an empty list', () => {
  assert.ok(readTrustedAddresses(['unix']).includes('unix'));
  const nobody = readTrustedAddresses([]);
  for (const address of ['unix', '127.0.0.1', '::1']) assert.ok(!nobody.includes(address));
});

test('what is no address is refused by name', () => {
  const wrong = [
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'example.org',
    '',
    '::/129',
    '::ffff:10.0.0.0/8',
  ];
  for (const entry of wrong)
    assert.throws(() => readTrustedAddresses([entry]), {
      name: 'RangeError',
      message: `Cannot trust the address "${entry}": an IP address, a range such as "10.0.0.0/8" or "unix" is expected`,
    });
});
