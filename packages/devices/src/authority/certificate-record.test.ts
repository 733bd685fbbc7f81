import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATES, type CertificateRecord, dayOf, inUse, isValid } from './certificate-record.ts';

const record: CertificateRecord = {
  deviceId: 'cam-1',
  generation: 'first',
  authority: 'devices',
  notBeforeMs: 0,
  notAfterMs: 1_000,
  issuedAtMs: 0,
  keyId: 'ab',
  firstUsedAtMs: undefined,
  revokedAtMs: undefined,
  reason: undefined,
  replacedBy: undefined,
};

test('a certificate counts until it ends or is revoked, which may lie ahead', () => {
  assert.deepEqual(
    [0, 1_000, 1_001].map((nowMs) => isValid(record, nowMs)),
    [true, true, false],
  );
  const revoked = { ...record, revokedAtMs: 500 };
  assert.deepEqual(
    [0, 499, 500].map((nowMs) => isValid(revoked, nowMs)),
    [true, true, false],
  );
});

test('it is found by device, key, day of its end, and whether it is revoked', () => {
  const terms = (value: CertificateRecord) =>
    Object.fromEntries(Object.entries(CERTIFICATES.indexes).map(([name, termsOf]) => [name, termsOf(value)]));
  assert.deepEqual(terms(record), { device: ['cam-1'], key: ['ab'], day: ['1970-01-01'], revoked: [] });
  assert.deepEqual(terms({ ...record, revokedAtMs: 1 })['revoked'], ['revoked']);
  assert.equal(dayOf(Date.UTC(2026, 11, 31, 23, 59, 59)), '2026-12-31');
});

test('in use is the last that the device came with, and the first where it came with none', () => {
  const stored = (key: string, issuedAtMs: number, firstUsedAtMs?: number) => ({
    ...{ key, revision: 1, value: { ...record, issuedAtMs, firstUsedAtMs } },
  });
  assert.equal(inUse([]), undefined);
  assert.equal(inUse([stored('second', 2), stored('first', 1)])?.key, 'first');
  assert.equal(inUse([stored('third', 3), stored('second', 2, 9), stored('first', 1, 10)])?.key, 'second');
});
