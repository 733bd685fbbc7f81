import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Authorities, type AuthorityDefinition } from './authorities.ts';
import { integer, oid, sequence } from './der-writer.ts';
import {
  altNames,
  type Bearer,
  DAY_MS,
  EKU_CLIENT,
  extendedKeyUsage,
  makeAuthority,
  makeCertificate,
  makeCrl,
  NOW_MS,
  pem,
} from './testing/certificates.ts';
import { TestClock } from './testing/clock.ts';

const root = makeAuthority('fleet');
const other = makeAuthority('fleet');

function trusting(authority: Bearer = root, definition: Partial<AuthorityDefinition> = {}, cachedChainsMax?: number) {
  const clock = new TestClock(NOW_MS);
  const definitions = [{ name: 'fleet', certificates: pem(authority.der), ...definition }];
  return { clock, authorities: new Authorities({ definitions, clock, cachedChainsMax }) };
}

function problemOf(authorities: Authorities, ...shown: readonly Buffer[]): string | undefined {
  return authorities.examine(shown, ['fleet']).problem;
}

test('finds the authority of a certificate, and what it says of its bearer', () => {
  const names = altNames(
    [1, 'ada@fleet.example'],
    [2, 'ada.fleet.example'],
    [6, 'urn:ada'],
    [7, Uint8Array.of(10, 0, 0, 1)],
  );
  const client = makeCertificate({
    issuer: root,
    serial: integer(0x00ab),
    extensions: [extendedKeyUsage(EKU_CLIENT), names],
  });
  const found = trusting().authorities.examine([client.der], ['fleet']);
  assert.deepEqual(found, {
    facts: { authority: 'fleet', serial: 'AB', commonName: 'ada' },
    subjectAltNames: { email: ['ada@fleet.example'], dns: ['ada.fleet.example'], uri: ['urn:ada'], ip: ['10.0.0.1'] },
    notBeforeMs: NOW_MS - DAY_MS,
    notAfterMs: NOW_MS + DAY_MS,
    problem: undefined,
    detail: undefined,
  });
});

test('takes the same name from another authority of the same name for a stranger', () => {
  const { authorities } = trusting();
  assert.equal(problemOf(authorities, makeCertificate({ issuer: other }).der, other.der), 'foreign');
  assert.equal(problemOf(authorities, makeCertificate({ issuer: root }).der), undefined);
});

test('counts an authority only for who asks for it by name', () => {
  const definitions = [
    { name: 'fleet', certificates: pem(root.der) },
    { name: 'office', certificates: pem(other.der) },
  ];
  const authorities = new Authorities({ definitions, clock: new TestClock(NOW_MS) });
  const client = makeCertificate({ issuer: other });
  assert.equal(authorities.examine([client.der], ['office']).facts?.authority, 'office');
  assert.equal(authorities.examine([client.der], ['fleet']).problem, 'foreign');
  assert.equal(authorities.examine([client.der], ['fleet', 'office']).facts?.authority, 'office');
});

test('gives the first of two authorities that share a certificate, whichever was asked before', () => {
  const definitions = ['first', 'second'].map((name) => ({ name, certificates: pem(root.der) }));
  const authorities = new Authorities({ definitions, clock: new TestClock(NOW_MS) });
  const { der } = makeCertificate({ issuer: root });
  const authority = (...names: string[]) => authorities.examine([der], names).facts?.authority;
  assert.equal(authority('second'), 'second');
  assert.equal(authority('first', 'second'), 'first');
});

test('follows intermediates that the client sends, in any order, and knows them when it sends them no more', () => {
  const first = makeAuthority('first', { issuer: root });
  const second = makeAuthority('second', { issuer: first });
  const client = makeCertificate({ issuer: second });
  const { authorities } = trusting(root, {}, 1);
  assert.equal(problemOf(authorities, client.der), 'foreign');
  assert.equal(problemOf(authorities, client.der, first.der, second.der), undefined);
  assert.equal(problemOf(authorities, client.der), undefined, 'a resumed session');
  assert.equal(problemOf(authorities, makeCertificate({ issuer: second }).der), undefined, 'put out of the cache by');
  assert.equal(problemOf(authorities, client.der), undefined, 'from the intermediates that were seen');
});

test('keeps no intermediate that the authority did not issue', () => {
  const forged = makeAuthority('first', { issuer: other });
  const client = makeCertificate({ issuer: forged });
  const { authorities } = trusting();
  assert.equal(problemOf(authorities, client.der, forged.der), 'foreign');
  assert.equal(problemOf(authorities, client.der), 'foreign');
});

test('keeps its answers right after other definitions came in place', () => {
  const { authorities } = trusting();
  const client = makeCertificate({ issuer: root });
  const found = authorities.examine([client.der], ['fleet']);
  assert.equal(authorities.hasToGo(found.facts!), undefined);
  let changes = 0;
  authorities.onChange(() => {
    changes += 1;
  });
  assert.throws(() => authorities.replace([{ name: 'fleet', certificates: 'nothing' }]), /Cannot read certificates/);
  assert.equal(problemOf(authorities, client.der), undefined);
  authorities.replace([{ name: 'fleet', certificates: pem(other.der) }]);
  assert.equal(changes, 1);
  assert.equal(problemOf(authorities, client.der), 'foreign');
  assert.equal(authorities.hasToGo(found.facts!), 'foreign');
});

test('tells the validity of the whole chain by the clock', () => {
  const short = makeAuthority('short', { issuer: root, notBeforeMs: NOW_MS - 10, notAfterMs: NOW_MS + 10_000 });
  const client = makeCertificate({ issuer: short });
  const { authorities, clock } = trusting();
  assert.equal(problemOf(authorities, client.der, short.der), undefined);
  clock.pass(12_000);
  assert.equal(problemOf(authorities, client.der), 'expired');
  const later = makeCertificate({ issuer: root, notBeforeMs: NOW_MS + DAY_MS, notAfterMs: NOW_MS + 2 * DAY_MS });
  assert.equal(problemOf(authorities, later.der), 'not-yet-valid');
  clock.pass(DAY_MS);
  assert.equal(problemOf(authorities, later.der), undefined);
});

test('refuses certificates that cannot be authorities, and says why', () => {
  const cannot = (certificate: Buffer) => trusting(root, { certificates: pem(certificate) });
  assert.throws(() => cannot(makeCertificate().der), /Cannot trust "ada" of fleet: "ada" is no authority/);
  assert.throws(() => trusting(root, { name: 'a/b' }), /Cannot name an authority "a\/b"/);
  const weak = makeAuthority('weak', {
    key: generateKeyPairSync('rsa', { modulusLength: 1024 }),
    algorithm: { identifier: sequence(oid('1.2.840.113549.1.1.11')), hash: 'sha256' },
  });
  assert.throws(() => cannot(weak.der), /an RSA key of 1024 bits; 2048 to 8192 are expected/);
});

test('refuses a revoked certificate, and one of a revoked intermediate, also from the cache', () => {
  const first = makeAuthority('first', { issuer: root, serial: integer(5) });
  const client = makeCertificate({ issuer: root, serial: integer(0x1234) });
  const lower = makeCertificate({ issuer: first, serial: integer(0x1234) });
  const { authorities } = trusting();
  const seen = authorities.examine([client.der], ['fleet']);
  assert.equal(seen.problem, undefined);
  assert.equal(problemOf(authorities, lower.der, first.der), undefined);
  const revoke = (...serials: number[]) => {
    const crls = [{ bytes: makeCrl(root, { serials }), source: 'root.crl' }];
    authorities.replace([{ name: 'fleet', certificates: pem(root.der), crls }]);
  };
  revoke(0x1234);
  assert.equal(problemOf(authorities, client.der), 'revoked');
  assert.equal(authorities.hasToGo(seen.facts!), 'revoked');
  assert.equal(problemOf(authorities, lower.der), undefined, 'the number of another issuer');
  revoke(5);
  assert.equal(problemOf(authorities, lower.der), 'revoked');
  assert.equal(problemOf(authorities, client.der), undefined);
});

test('follows the policy for a list that is out of date', () => {
  const crls = [{ bytes: makeCrl(root, { serials: [7] }), source: 'root.crl' }];
  const good = makeCertificate({ issuer: root, notAfterMs: NOW_MS + 9 * DAY_MS });
  const revoked = makeCertificate({ issuer: root, serial: integer(7), notAfterMs: NOW_MS + 9 * DAY_MS });
  for (const [crlExpired, problem] of [
    ['accept', undefined],
    ['refuse', 'crl-expired'],
  ] as const) {
    const { authorities, clock } = trusting(root, { crls, crlExpired });
    const seen = authorities.examine([good.der], ['fleet']);
    assert.equal(seen.problem, undefined);
    clock.pass(DAY_MS + 1000);
    assert.equal(problemOf(authorities, good.der), problem);
    assert.equal(problemOf(authorities, revoked.der), 'revoked');
    assert.equal(authorities.hasToGo(seen.facts!), undefined, 'who is in stays');
  }
});

test('overlooks what a client sends besides, where it cannot be read', () => {
  const middle = makeAuthority('middle', { issuer: root });
  const client = makeCertificate({ issuer: middle });
  const { authorities } = trusting();
  assert.equal(problemOf(authorities, client.der, Buffer.from('garbage'), middle.der), undefined);
});

test('warns of an authority that ends soon, every day, until it is closed', () => {
  const clock = new TestClock(NOW_MS);
  const warnings: string[] = [];
  const definitions = [{ name: 'fleet', certificates: pem(root.der), source: 'ca.pem' }];
  const authorities = new Authorities({
    definitions,
    clock,
    warn: ({ code, source }) => warnings.push(`${code} ${source}`),
  });
  assert.deepEqual(warnings, []);
  clock.pass(2 * DAY_MS);
  assert.deepEqual(warnings, ['certificate-ends-soon ca.pem', 'certificate-ends-soon ca.pem']);
  authorities.close();
  assert.equal(clock.timers, 0);
});

test('gives the certificates of an authority to a TLS listener', () => {
  const { authorities } = trusting();
  assert.equal(authorities.pem('fleet'), pem(root.der));
  assert.equal(authorities.pem('office'), undefined);
});

test('answers garbage, and certificates with any byte changed, with a clean refusal', () => {
  const { authorities } = trusting();
  const good = makeCertificate({
    issuer: root,
    extensions: [altNames([2, 'a.example']), extendedKeyUsage(EKU_CLIENT)],
  }).der;
  const refused = (der: Uint8Array) => assert.equal(authorities.examine([der], ['fleet']).facts, undefined);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), refused), { numRuns: 500 });
  const change = fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }));
  const changed = ([at, by]: [number, number]) => {
    const der = Buffer.from(good);
    der[at] ^= by;
    refused(der);
  };
  fc.assert(fc.property(change, changed), { numRuns: 1500 });
  fc.assert(
    fc.property(fc.nat(good.length - 1), (end) => refused(good.subarray(0, end))),
    { numRuns: 300 },
  );
  refused(Buffer.concat([good, Buffer.from([0])]));
  refused(Buffer.alloc(100_000, 0x30));
  assert.equal(problemOf(authorities), 'malformed');
});
