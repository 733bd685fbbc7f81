import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { factsOf, headerOf, networkAddressOf } from './http-facts.ts';
import { VISIT } from './testing/host.ts';

const request = (headers: object, socket: object = {}) => ({ headers, socket }) as unknown as IncomingMessage;
const proxied = { ...VISIT, peer: { ...VISIT.peer, proxyAddress: '192.0.2.1' } };
const forwarded = { 'x-forwarded-proto': 'https' };

test('a caller speaks TLS where it does so to us, or a trusted proxy says so', () => {
  assert.equal(factsOf(request({}, { encrypted: true }), VISIT).isSecure, true);
  assert.equal(factsOf(request(forwarded), proxied).isSecure, true);
  assert.equal(factsOf(request(forwarded), VISIT).isSecure, false, 'anybody can send the header');
  assert.equal(factsOf(request({}), proxied).isSecure, false);
});

test('what came by the control socket has neither listener nor peer', () => {
  const { listener, peer, isSecure } = factsOf(request({}), undefined);
  assert.deepEqual([listener, peer, isSecure], ['', undefined, false]);
});

test('limits count a host of IPv6 by its network, and one of IPv4 by its address', () => {
  const from = (address: string) =>
    networkAddressOf(factsOf(request({}), { ...VISIT, peer: { ...VISIT.peer, address } }));
  assert.equal(from('2001:db8::1'), from('2001:db8::2'));
  assert.notEqual(from('2001:db8::1'), from('2001:db8:0:1::1'));
  assert.notEqual(from('192.0.2.1'), from('192.0.2.2'));
  assert.equal(networkAddressOf(factsOf(request({}), undefined)), '');
});

test('a header that is not there is empty', () => {
  const facts = factsOf(request({ 'x-claim-secret': 's' }), VISIT);
  assert.deepEqual([headerOf(facts, 'x-claim-secret'), headerOf(facts, 'x-renewal-token')], ['s', '']);
});
