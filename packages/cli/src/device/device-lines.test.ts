import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateLine, isCertificateGood, presenceLine, tokenLine } from './device-lines.ts';

const NOW = Date.UTC(2026, 0, 2, 12);
const DAY = 86_400_000;

test('presence says since when, from where and as whom, or that there was none', () => {
  const from = {
    clientId: 'a"b',
    address: '192.0.2.7',
    listener: 'tls',
    protocolVersion: 5,
    session: 4,
    deviceId: 'd',
  };
  assert.equal(presenceLine({ deviceId: 'd', connected: false, session: 0 }, NOW), 'it never connected');
  assert.equal(presenceLine(undefined, NOW), 'it never connected');
  assert.equal(
    presenceLine({ ...from, connected: true, connectedAtMs: NOW - 3 * DAY }, NOW),
    'connected since 2025-12-30 12:00:00 UTC, 3 days ago; from 192.0.2.7 at tls as client "a\\"b" with MQTT 5.0, session 4',
  );
  assert.equal(
    presenceLine({ ...from, connected: false, disconnectedAtMs: NOW - 30_000, reason: 'keep-alive' }, NOW),
    'not connected since 2026-01-02 11:59:30 UTC, 30 s ago; it came from 192.0.2.7 at tls as client "a\\"b" with MQTT 5.0 (keep-alive), session 4',
  );
});

test('a token says until when it counts, and when it was used', () => {
  const token = { id: 't1', label: '', createdAtMs: NOW };
  assert.equal(tokenLine(token, NOW), 't1 counts for good; never used');
  assert.equal(
    tokenLine({ ...token, label: 'spare', endsAtMs: NOW + 2 * DAY, lastUsedAtMs: NOW - 120_000 }, NOW),
    't1 "spare" counts until 2026-01-04 12:00:00 UTC, in 2 days; last used 2 min ago',
  );
  assert.match(tokenLine({ ...token, endsAtMs: NOW }, NOW), /^t1 ended 2026-01-02/);
});

test('a certificate counts until it ends or its revocation is due, and a replaced one says by what', () => {
  const certificate = { serial: 'AB', notAfterMs: NOW + 365 * DAY };
  assert.match(certificateLine(certificate, NOW), /^AB counts until 2027-01-02 .*, in 365 days$/);
  assert.match(
    certificateLine({ ...certificate, revokedAtMs: NOW + DAY * 7, replacedBy: 'CD' }, NOW),
    /in 7 days; CD is in its place$/,
  );
  assert.match(certificateLine({ ...certificate, revokedAtMs: NOW - DAY * 7 }, NOW), /^AB revoked .*, 7 days ago$/);
  assert.match(certificateLine({ ...certificate, notAfterMs: NOW }, NOW), /^AB ended /);
  assert.deepEqual(
    [
      certificate,
      { ...certificate, revokedAtMs: NOW + 1 },
      { ...certificate, revokedAtMs: NOW },
      { ...certificate, notAfterMs: NOW },
    ].map((one) => isCertificateGood(one, NOW)),
    [true, true, false, false],
  );
});
