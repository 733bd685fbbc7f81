import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf, plainAddress } from './network.ts';

test('an IPv4 address counts by itself, however it is written, an IPv6 address by its /64, loopback not at all', () => {
  const networks: [string, string | undefined][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['0:0:0:0:0:FFFF:192.0.2.7', '192.0.2.7'],
    ['2001:db8:0:1::7', '2001:db8:0:1'],
    ['2001:0DB8:0000:0001:aaaa:bbbb:cccc:dddd', '2001:db8:0:1'],
    ['2001:db8::1:0:0:7', '2001:db8:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['::2', '0:0:0:0'],
    ['127.3.2.1', undefined],
    ['::ffff:127.0.0.1', undefined],
    ['::1', undefined],
    ['memory', undefined],
    ['/run/dunlin.sock', undefined],
    ['', undefined],
  ];
  for (const [address, network] of networks) assert.equal(networkOf(address), network, address);
});

test('an address stays as it is written, unless it is IPv4 in the form of IPv6', () => {
  for (const written of ['::ffff:10.1.2.3', '::ffff:a01:203', '::FFFF:0a01:0203', '0000:0:0::ffff:a01:203'])
    assert.equal(plainAddress(written), '10.1.2.3', written);
  for (const other of [
    '10.1.2.3',
    '2001:DB8::1',
    '::ffff:0:a01:203',
    '1::ffff:a01:203',
    'fe80::ffff:1%eth0',
    'a:ffff:b',
    '',
  ])
    assert.equal(plainAddress(other), other);
});
