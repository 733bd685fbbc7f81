/** Certificates of devices on LMDB: what is remembered over a restart, and what a start and a connection cost. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Certificates, IssuingAuthority, MasterKey, newAuthority, OcspResponder, Revocations } from '@dunlin/devices';
import { openLmdb } from '@dunlin/lmdb';
import { TestClock } from '../../packages/devices/src/testing/clock.ts';

const directory = mkdtempSync(join(tmpdir(), 'dunlin-device-certificates-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const by = 'a test';
const clock = new TestClock();
const masterKey = new MasterKey(randomBytes(32), 'a test');
const { issuing } = newAuthority({ name: 'Fleet', nowMs: clock.nowMs(), masterKey });
const authority = IssuingAuthority.open({
  name: 'devices',
  certificate: { text: issuing.certificate, source: 'ca.pem' },
  key: { text: issuing.key, source: 'ca.key' },
  masterKey,
});
const device = (id: string) => ({ device: { id }, generation: 'first', trust: 0 });

async function open() {
  const environment = await openLmdb({ directory: join(directory, 'data'), durability: 'process' });
  const parts = { tables: environment, clock, tell: () => {} };
  const certificates = new Certificates(parts, authority, { renewalOverlapS: 60 });
  const revocations = await Revocations.open(certificates.table, clock);
  return { environment, certificates, revocations };
}

test('of those who change a certificate at the same time each has its turn', async () => {
  const { environment, certificates, revocations } = await open();
  for (let round = 0; round < 5; round++) {
    const { serial } = await certificates.issue(device(`pair-${round}`), { by });
    const revoke = () => certificates.revoke(serial, { reason: 'keyCompromise', by });
    await Promise.all([certificates.used(serial), certificates.used(serial), revoke(), revoke()]);
    const { value } = (await certificates.get(serial)) ?? assert.fail();
    assert.equal(value.reason, 'keyCompromise');
    assert.notEqual(value.firstUsedAtMs, undefined);
  }
  revocations.close();
  await environment.close();
});

test('renewals and revocations are remembered over a restart, also those that lie ahead', async () => {
  const first = await open();
  const older = await first.certificates.issue(device('cam-1'), { by });
  const newer = await first.certificates.renew(device('cam-1'), older.serial, { by });
  await first.certificates.used(newer.serial);
  const other = await first.certificates.issue(device('cam-2'), { by });
  await first.certificates.revoke(other.serial.toLowerCase(), { reason: 'keyCompromise', by });
  assert.ok(first.revocations.isRevoked('devices', other.serial));
  first.revocations.close();
  await first.environment.close();

  const { environment, certificates, revocations } = await open();
  const revoked = () => [older, newer, other].map(({ serial }) => revocations.isRevoked('devices', serial));
  assert.deepEqual(revoked(), [false, false, true]);
  clock.pass(60_000);
  assert.deepEqual(revoked(), [true, false, true]);
  await assert.rejects(certificates.renew(device('cam-1'), older.serial, { by }), { code: 'revoked' });
  const both = await Promise.allSettled([1, 2].map(() => certificates.renew(device('cam-1'), newer.serial, { by })));
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const responder = new OcspResponder(authority, certificates, clock);
  assert.equal((await responder.answer(Buffer.alloc(0))).keepS, 0);
  revocations.close();
  await environment.close();
});
