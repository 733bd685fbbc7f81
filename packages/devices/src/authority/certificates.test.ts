import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { Authorities } from '@dunlin/identity';
import { type CertificateSettings, Certificates } from './certificates.ts';
import { Revocations } from './revocations.ts';
import { csrPem, DAY_MS, device, ecPair, fleet, openAuthority, rawOf, serviceParts } from './testing/fleet.ts';

const by = 'a test';
const DAY_S = 86_400;

function open(settings: Partial<CertificateSettings> = {}) {
  const { clock, events, table, parts } = serviceParts();
  const certificates = new Certificates(parts, openAuthority(), settings);
  const valid = async (deviceId = 'cam-1') => {
    const { records } = await certificates.list(deviceId, { limit: 100 });
    const counts = ({ value: { notAfterMs, revokedAtMs = Infinity } }: (typeof records)[number]) =>
      clock.nowMs() <= notAfterMs && clock.nowMs() < revokedAtMs;
    return records
      .filter(counts)
      .map(({ key }) => key)
      .sort();
  };
  return { clock, events, table, certificates, valid };
}

test('issues a certificate, remembers it, and tells of it without its key', async () => {
  const { certificates, events, clock } = open();
  const issued = await certificates.issue(device('cam-1'), { by });
  assert.ok(createPublicKey(issued.key!).equals(new X509Certificate(issued.certificate).publicKey));
  const { value } = (await certificates.get(issued.serial))!;
  assert.deepEqual([value.deviceId, value.authority, value.issuedAtMs], ['cam-1', 'devices', clock.nowMs()]);
  assert.equal(value.notAfterMs, clock.nowMs() + 365 * DAY_MS);
  const { serial, notAfterMs } = issued;
  assert.deepEqual(events, [{ name: 'certificateIssued', deviceId: 'cam-1', serial, notAfterMs, by }]);
  assert.ok(!JSON.stringify(value).includes('PRIVATE'));
});

test('issues for fewer days than the settings say, never for more', async () => {
  const { certificates, clock } = open({ days: 30 });
  assert.equal((await certificates.issue(device('cam-1'), { by, days: 7 })).notAfterMs, clock.nowMs() + 7 * DAY_MS);
  await assert.rejects(certificates.issue(device('cam-1'), { by, days: 31 }), {
    code: 'days-unfit',
    message: /at most 30/,
  });
});

test('a device has so many valid certificates at the most, also where they are asked for at once', async () => {
  const { certificates, events, clock } = open({ perDeviceMax: 2, days: 10 });
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => certificates.issue(device('cam-1'), { by })));
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected'],
  );
  assert.equal(events.filter(({ name }) => name === 'deviceLimitReached').length, 3);
  const [first] = all;
  assert.ok(first.status === 'fulfilled');
  await certificates.revoke(first.value.serial, { by });
  await certificates.issue(device('cam-1'), { by });
  await assert.rejects(certificates.issue(device('cam-1'), { by }), { code: 'too-many' });
  await certificates.issue(device('cam-2'), { by });
  clock.pass(11 * DAY_MS);
  await certificates.issue(device('cam-1'), { by });
});

test('after a renewal the older one counts until the overlap after the first use of the newer one', async () => {
  const { certificates, clock, valid } = open({ renewalOverlapS: 7 * DAY_S });
  const older = await certificates.issue(device('cam-1'), { by });
  await certificates.used(older.serial);
  const newer = await certificates.renew(device('cam-1'), older.serial, { by });
  clock.pass(20 * DAY_MS);
  assert.deepEqual(await valid(), [older.serial, newer.serial].sort(), 'the newer one was not used yet');
  await certificates.used(newer.serial);
  await certificates.used(newer.serial);
  clock.pass(7 * DAY_MS - 1);
  assert.deepEqual(await valid(), [older.serial, newer.serial].sort());
  clock.pass(1);
  assert.deepEqual(await valid(), [newer.serial]);
  await assert.rejects(certificates.renew(device('cam-1'), older.serial, { by }), { code: 'revoked' });
  assert.equal((await certificates.get(older.serial))?.value.reason, 'superseded');
});

test('the older one ends at its own end where that comes first', async () => {
  const { certificates, clock } = open({ renewalOverlapS: 7 * DAY_S, days: 10 });
  const older = await certificates.issue(device('cam-1'), { by });
  clock.pass(5 * DAY_MS);
  const newer = await certificates.renew(device('cam-1'), older.serial, { by });
  await certificates.used(newer.serial);
  assert.equal((await certificates.get(older.serial))?.value.revokedAtMs, undefined);
});

test('of two renewals at once one is done and the other one is told', async () => {
  const { certificates, valid } = open();
  const { serial } = await certificates.issue(device('cam-1'), { by });
  const both = await Promise.allSettled([1, 2].map(() => certificates.renew(device('cam-1'), serial, { by })));
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const lost = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  assert.equal(lost.reason.code, 'conflict');
  assert.equal((await valid()).length, 2);
});

test('a renewal whose answer was lost is asked for again: the one that nobody had goes', async () => {
  const { certificates, valid } = open({ perDeviceMax: 2 });
  const older = await certificates.issue(device('cam-1'), { by });
  let newer = await certificates.renew(device('cam-1'), older.serial, { by });
  for (let again = 0; again < 5; again += 1) {
    const lost = newer;
    newer = await certificates.renew(device('cam-1'), older.serial, { by });
    assert.deepEqual(await valid(), [older.serial, newer.serial].sort());
    assert.equal((await certificates.get(lost.serial))?.value.reason, 'superseded');
  }
  await certificates.used(newer.serial);
  await assert.rejects(certificates.renew(device('cam-1'), older.serial, { by }), { code: 'revoked' });
});

test('a certificate that has expired is renewed for who shows in another way who it is', async () => {
  const { certificates, clock, valid } = open({ days: 1 });
  const { serial } = await certificates.issue(device('cam-1'), { by });
  clock.pass(30 * DAY_MS);
  const newer = await certificates.renew(device('cam-1'), serial, { by });
  assert.deepEqual(await valid(), [newer.serial]);
});

test('a revoked certificate is revoked for good, however its serial number is written, and told of once', async () => {
  const { certificates, events, clock, valid } = open();
  const { serial } = await certificates.issue(device('cam-1'), { by });
  const written = `00${serial.length % 2 === 0 ? '' : '0'}${serial.toLowerCase()}`;
  const { value } = await certificates.revoke(written, { reason: 'keyCompromise', by });
  clock.pass(1_000);
  const again = await certificates.revoke(serial, { by });
  assert.deepEqual(again.value, value);
  assert.deepEqual(await valid(), []);
  const told = events.filter(({ name }) => name === 'certificateRevoked');
  assert.deepEqual(told, [{ name: 'certificateRevoked', deviceId: 'cam-1', serial, reason: 'keyCompromise', by }]);
  await assert.rejects(certificates.renew(device('cam-1'), serial, { by }), { code: 'revoked' });
  for (const unknown of ['ABCD', '', 'no serial', '../x'])
    await assert.rejects(certificates.revoke(unknown, { by }), { code: 'unknown' }, unknown);
});

test('one that was to end later can be revoked at once', async () => {
  const { certificates, clock } = open();
  const older = await certificates.issue(device('cam-1'), { by });
  const newer = await certificates.renew(device('cam-1'), older.serial, { by });
  await certificates.used(newer.serial);
  const { value } = await certificates.revoke(older.serial, { reason: 'keyCompromise', by });
  assert.deepEqual([value.revokedAtMs, value.reason], [clock.nowMs(), 'keyCompromise']);
});

test('a device that was removed and added anew has nothing of the former one', async () => {
  const { certificates } = open({ perDeviceMax: 1 });
  const { serial } = await certificates.issue(device('cam-1'), { by });
  const anew = device('cam-1', 'second');
  await certificates.issue(anew, { by });
  for (const other of [anew, device('cam-2')])
    await assert.rejects(certificates.renew(other, serial, { by }), { code: 'unknown' });
});

test('all that a removed device has are revoked', async () => {
  const { certificates, valid } = open();
  for (const deviceId of ['cam-1', 'cam-1', 'cam-2']) await certificates.issue(device(deviceId), { by });
  await certificates.revokeAll('cam-1', { reason: 'cessationOfOperation', by });
  assert.deepEqual([(await valid()).length, (await valid('cam-2')).length], [0, 1]);
});

test('a key is that of one device, and never counts again once it was compromised', async () => {
  const { certificates } = open();
  const pair = ecPair();
  const ask = (deviceId: string) => certificates.issue(device(deviceId), { csr: csrPem(deviceId, { pair }), by });
  const { serial } = await ask('cam-1');
  await ask('cam-1');
  await assert.rejects(ask('cam-2'), { code: 'key-taken', message: /is that of another device/ });
  await certificates.revoke(serial, { reason: 'keyCompromise', by });
  await assert.rejects(ask('cam-1'), { code: 'key-taken', message: /was compromised/ });
  await assert.rejects(certificates.issue(device('cam-2'), { csr: csrPem('cam-1'), by }), { code: 'csr-name' });
});

test('forgets certificates long after their end, and no other', async () => {
  const { certificates, clock } = open({ days: 10, historyDays: 30, perDeviceMax: 10 });
  for (let count = 0; count < 3; count += 1) await certificates.issue(device('cam-1'), { by });
  clock.pass(39 * DAY_MS);
  const recent = await certificates.issue(device('cam-1'), { by });
  assert.equal(await certificates.sweep(100), 0);
  clock.pass(3 * DAY_MS);
  assert.equal(await certificates.sweep(2), 2);
  assert.equal(await certificates.sweep(100), 1);
  const { records } = await certificates.list('cam-1', { limit: 10 });
  assert.deepEqual(
    records.map(({ key }) => key),
    [recent.serial],
  );
});

test('our own check refuses a revoked certificate at once, and one that was replaced after its overlap', async () => {
  const { certificates, clock, table } = open({ renewalOverlapS: DAY_S });
  const revocations = await Revocations.open(table, clock);
  const definitions = [{ name: 'devices', certificates: fleet.root.certificate }];
  const authorities = new Authorities({ definitions, clock, revocationSources: [revocations] });
  const examine = (chain: string) => authorities.examine(chain.split(/(?=-----BEGIN)/).map(rawOf), ['devices']).problem;
  const older = await certificates.issue(device('cam-1'), { by });
  const newer = await certificates.renew(device('cam-1'), older.serial, { by });
  await certificates.used(newer.serial);
  assert.deepEqual([examine(older.chain), examine(newer.chain)], [undefined, undefined]);
  clock.pass(DAY_MS);
  assert.deepEqual([examine(older.chain), examine(newer.chain)], ['revoked', undefined]);
  await certificates.revoke(newer.serial, { by });
  assert.equal(examine(newer.chain), 'revoked');
});
