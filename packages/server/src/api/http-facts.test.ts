import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { factsOf } from './http-facts.ts';
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
