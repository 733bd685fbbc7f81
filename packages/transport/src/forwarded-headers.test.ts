import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { type ForwardedOptions, hasForwarded, peerForwarded } from './forwarded-headers.ts';
import { Authority } from './testing/certificates.ts';
import { readTrustedAddresses } from './trusted-addresses.ts';

const PROXY = { address: '10.0.0.1', port: 5, certificates: [new Uint8Array(1)] };
const TRUSTED = ['10.0.0.0/8'];
const trusted = readTrustedAddresses(TRUSTED);

function request(headers: Record<string, string[]>): IncomingMessage {
  return { headers, headersDistinct: headers } as unknown as IncomingMessage;
}

function peer(headers: Record<string, string[]>, options: Partial<ForwardedOptions>) {
  return peerForwarded(request(headers), PROXY, { trusted: TRUSTED, ...options }, trusted);
}

test('the client is the right-most address that is not trusted itself, and the left-most where all are', () => {
  const from = (list: string) => peer({ 'x-forwarded-for': [list] }, { forwardedFor: true }).address;
  assert.equal(from('192.0.2.7'), '192.0.2.7');
  assert.equal(from('203.0.113.9, 192.0.2.7, 10.0.0.2'), '192.0.2.7');
  assert.equal(from('10.0.0.9, 10.0.0.2'), '10.0.0.9');
  assert.equal(from('[2001:db8::1]:443'), '2001:db8::1');
  assert.equal(from('2001:db8::1'), '2001:db8::1');
  assert.equal(from('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(from('192.0.2.7:1234'), '192.0.2.7');
  assert.equal(from(''), PROXY.address);
});

test('an address that is none, a header that comes twice and a list without end are refused', () => {
  const wrong = [['unknown'], ['192.0.2.7,'], ['192.0.2.7', '192.0.2.8'], ['192.0.2.7,'.repeat(40)], ['fe80::1%eth0']];
  for (const values of wrong)
    assert.throws(() => peer({ 'x-forwarded-for': values }, { forwardedFor: true }), { name: 'ForwardedError' });
});

test('a certificate is read as RFC 9440 and as nginx write it, and the one of the proxy is not that of the client', () => {
  const { certificate } = Authority.root('ours').issue();
  const der = Buffer.from(certificate.replaceAll(/-----.*-----|\s/g, ''), 'base64');
  const bytes = `:${der.toString('base64')}:`;
  const rfc = { clientCertificate: 'Client-Cert' };
  const nginx = { clientCertificate: 'X-SSL-Client-Cert' };
  const expected = Uint8Array.from(der);
  assert.deepEqual(peer({ 'client-cert': [bytes] }, rfc).certificates, [expected]);
  const both = { 'client-cert': [bytes], 'client-cert-chain': [`${bytes}, ${bytes}`] };
  assert.deepEqual(peer(both, rfc).certificates, [expected, expected, expected]);
  assert.deepEqual(peer({ 'x-ssl-client-cert': [encodeURIComponent(certificate)] }, nginx).certificates, [expected]);
  for (const options of [rfc, nginx, {}]) assert.equal(peer({}, options).certificates, undefined);
  assert.equal(peer({ 'x-ssl-client-cert': [''] }, nginx).certificates, undefined);
  const wrong: [Record<string, string[]>, Partial<ForwardedOptions>][] = [
    [{ 'client-cert': [bytes, bytes] }, rfc],
    [{ 'client-cert': [`${bytes}, ${bytes}`] }, rfc],
    [{ 'client-cert': [der.toString('base64')] }, rfc],
    [{ 'client-cert': [':AAAA:'] }, rfc],
    [{ 'client-cert': [encodeURIComponent(certificate)] }, rfc],
    [{ 'client-cert': [bytes], 'client-cert-chain': [Array(7).fill(bytes).join()] }, rfc],
    [{ 'x-ssl-client-cert': [bytes] }, nginx],
    [{ 'x-ssl-client-cert': ['%'] }, nginx],
    [{ 'x-ssl-client-cert': [encodeURIComponent(certificate + certificate)] }, nginx],
  ];
  for (const [headers, options] of wrong) assert.throws(() => peer(headers, options), { name: 'ForwardedError' });
});

test('only headers that are asked for would count', () => {
  const both = request({ 'x-forwarded-for': ['192.0.2.7'], 'client-cert': ['x'] });
  assert.ok(!hasForwarded(both, { trusted: [] }));
  assert.ok(hasForwarded(both, { trusted: [], forwardedFor: true }));
  assert.ok(hasForwarded(both, { trusted: [], clientCertificate: 'Client-Cert' }));
});
