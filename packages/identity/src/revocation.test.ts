import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCertificate } from './certificate.ts';
import { readCrls } from './crl.ts';
import type { CertificateWarning } from './pem.ts';
import { Revocation, type RevocationSource } from './revocation.ts';
import { type CrlShape, DAY_MS, makeAuthority, makeCrl, NOW_MS } from './testing/certificates.ts';
import { TestClock } from './testing/clock.ts';

const root = makeAuthority('root');
const certificate = readCertificate(root.der);
const crl = (shape: CrlShape) => readCrls(makeCrl(root, shape), 'root.crl', [certificate])[0];
const chain = (serial: string) => [{ issuer: certificate.subject, serial }];

class Registry implements RevocationSource {
  readonly revoked = new Set<string>();
  readonly listeners = new Set<() => void>();

  isRevoked(authority: string, serial: string): boolean {
    return this.revoked.has(`${authority}/${serial}`);
  }

  onChange(changed: () => void): () => void {
    this.listeners.add(changed);
    return () => void this.listeners.delete(changed);
  }
}

test('asks every source, and passes on that something changed', () => {
  const registry = new Registry();
  const clock = new TestClock(NOW_MS);
  const revocation = new Revocation(clock, [registry], () => {});
  let changes = 0;
  const end = revocation.onChange(() => {
    changes += 1;
  });
  assert.equal(revocation.isRevoked('fleet', chain('A1')), false);
  registry.revoked.add('fleet/A1');
  for (const listener of registry.listeners) listener();
  assert.equal(changes, 1);
  assert.equal(revocation.isRevoked('fleet', chain('A1')), true);
  assert.equal(revocation.isRevoked('office', chain('A1')), false);
  end();
  revocation.changed();
  assert.equal(changes, 1);
  revocation.close();
  assert.equal(registry.listeners.size, 0);
  assert.equal(clock.timers, 0);
});

test('counts a list only for its authority and for what its issuer issued', () => {
  const revocation = new Revocation(new TestClock(NOW_MS), [], () => {});
  revocation.replace(new Map([['fleet', { crls: [crl({ serials: [0xa1] })], crlExpired: 'accept' }]]));
  assert.equal(revocation.isRevoked('fleet', chain('A1')), true);
  assert.equal(revocation.isRevoked('fleet', chain('A2')), false);
  assert.equal(revocation.isRevoked('office', chain('A1')), false);
  assert.equal(revocation.isRevoked('fleet', [{ issuer: Buffer.from('3000', 'hex'), serial: 'A1' }]), false);
});

test('warns of a list that is out of date as soon as it is, and every hour until it is replaced', () => {
  const warnings: CertificateWarning[] = [];
  const clock = new TestClock(NOW_MS);
  const revocation = new Revocation(clock, [], (warning) => warnings.push(warning));
  const codes = () => warnings.splice(0).map(({ code }) => code);
  revocation.replace(new Map([['fleet', { crls: [crl({})], crlExpired: 'refuse' }]]));
  assert.deepEqual(codes(), []);
  clock.pass(DAY_MS + 60_000);
  assert.match(warnings[0].message, /root\.crl of the authority fleet was due .* nobody of its issuer comes in/);
  assert.deepEqual(codes(), ['crl-expired']);
  clock.pass(3_590_000);
  assert.deepEqual(codes(), []);
  clock.pass(60_000);
  assert.deepEqual(codes(), ['crl-expired']);
  revocation.replace(
    new Map([['fleet', { crls: [crl({ nextUpdateMs: NOW_MS + 9 * DAY_MS })], crlExpired: 'refuse' }]]),
  );
  clock.pass(DAY_MS);
  assert.deepEqual(codes(), []);
  revocation.replace(
    new Map([
      ['fleet', { crls: [crl({ thisUpdateMs: NOW_MS + 8 * DAY_MS, nextUpdateMs: null })], crlExpired: 'accept' }],
    ]),
  );
  assert.deepEqual(codes(), ['crl-not-yet-valid']);
});

test('lets nobody in by a list that is out of date where the policy says so, unless another is not', () => {
  const clock = new TestClock(NOW_MS + 2 * DAY_MS);
  const revocation = new Revocation(clock, [], () => {});
  const old = crl({});
  const use = (crls: readonly (typeof old)[], crlExpired: 'accept' | 'refuse') =>
    revocation.replace(new Map([['fleet', { crls, crlExpired }]]));
  use([old], 'accept');
  assert.equal(revocation.blockingCrl('fleet', chain('1')), undefined);
  use([old], 'refuse');
  assert.equal(revocation.blockingCrl('fleet', chain('1')), old);
  use([old, crl({ nextUpdateMs: null })], 'refuse');
  assert.equal(revocation.blockingCrl('fleet', chain('1')), undefined);
  use([], 'refuse');
  assert.equal(revocation.blockingCrl('fleet', chain('1')), undefined);
});
