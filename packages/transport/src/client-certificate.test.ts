import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { isFromAuthorities, refusalOf } from './client-certificate.ts';
import { Authority, FOR_CLIENTS, FOR_SERVERS } from './testing/certificates.ts';

const ours = Authority.root('ours');
const foreign = Authority.root('ours');
const authorities = [new X509Certificate(foreign.pem), new X509Certificate(ours.pem)];
const leaf = new X509Certificate(ours.issue({ purposes: FOR_CLIENTS }).certificate);

test('what OpenSSL finds nothing wrong with passes, and every fault but those of time ends in TLS', () => {
  assert.equal(refusalOf(leaf, undefined, authorities), undefined);
  for (const code of ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])
    assert.equal(refusalOf(leaf, code, authorities), undefined);
  for (const code of ['CERT_SIGNATURE_FAILURE', 'SELF_SIGNED_CERT_IN_CHAIN', 'CERT_REVOKED', 'INVALID_CA', 'UNKNOWN'])
    assert.equal(refusalOf(leaf, code, authorities), code);
});

test('a fault of time hides no other one', () => {
  const stranger = new X509Certificate(Authority.root('ours').issue().certificate);
  assert.equal(refusalOf(stranger, 'CERT_HAS_EXPIRED', authorities), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
  const server = new X509Certificate(ours.issue({ purposes: FOR_SERVERS }).certificate);
  assert.equal(refusalOf(server, 'CERT_HAS_EXPIRED', authorities), 'INVALID_PURPOSE');
});

test('neither a weak key nor one who may not sign leads to an authority', () => {
  assert.ok(isFromAuthorities(leaf, authorities));
  assert.ok(isFromAuthorities(new X509Certificate(ours.issue({ rsaBits: 2048 }).certificate), authorities));
  assert.ok(!isFromAuthorities(new X509Certificate(ours.issue({ rsaBits: 1024 }).certificate), authorities));
  const pretender = Authority.root('pretender', { isAuthority: false });
  const signed = new X509Certificate(pretender.issue().certificate);
  assert.ok(!isFromAuthorities(signed, [new X509Certificate(pretender.pem)]));
  assert.ok(!isFromAuthorities(leaf, []));
});
