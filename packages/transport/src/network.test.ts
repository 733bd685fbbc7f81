import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { countedNetworkOf, networkOf } from './network.ts';

test('an IPv4 address stands for itself, in IPv6 clothes as well', () => {
  for (const text of ['192.0.2.7', '::ffff:192.0.2.7', '::FFFF:c000:207', '0:0:0:0:0:ffff:c000:0207'])
    assert.equal(networkOf(text), '192.0.2.7', text);
});

test('an IPv6 address stands for its /64', () => {
  for (const text of ['2001:db8::1', '2001:0db8:0:0:ffff::', '2001:db8:0:0:1:2:3:4', '2001:db8::1.2.3.4'])
    assert.equal(networkOf(text), '2001:db8:0:0::/64', text);
  assert.equal(networkOf('2001:0DB8:0000:0001:aaaa:bbbb:cccc:dddd'), '2001:db8:0:1::/64');
  assert.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(networkOf('::2'), '0:0:0:0::/64');
  assert.equal(networkOf('::1'), '::1');
});

test('loopback does not count, however it is written', () => {
  for (const text of ['127.3.2.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::1', '0:0:0:0:0:0:0:1'])
    assert.equal(countedNetworkOf(text), undefined, text);
  assert.equal(countedNetworkOf('192.0.2.7'), '192.0.2.7');
  assert.equal(countedNetworkOf('::2'), '0:0:0:0::/64');
});

test('what is no IP address stands for nobody, as node:net has it', () => {
  for (const text of [
    'memory',
    '/run/dunlin.sock',
    '',
    '1.2.3',
    '::g',
    '1:2:3',
    '1::2::3',
    '1:2:3:4:5:6:7::8:9',
    '256.0.0.1',
  ])
    assert.deepEqual([networkOf(text), isIP(text)], [undefined, 0], text);
  const part = fc.constantFrom(':', '::', '1', '0', 'ffff', '10000', 'g', '1.2.3.4', '.', '300');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 17 }), (parts) => {
      const text = parts.join('');
      assert.equal(networkOf(text) !== undefined, isIP(text) !== 0, text);
    }),
  );
  fc.assert(fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => assert.notEqual(networkOf(text), undefined)));
});
