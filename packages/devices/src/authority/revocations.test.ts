import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable, type TablePage, type TableScan } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { CERTIFICATES, type CertificateRecord } from './certificate-record.ts';
import { Revocations } from './revocations.ts';

const clock = new TestClock();
const record: CertificateRecord = {
  deviceId: 'cam-1',
  generation: 'first',
  authority: 'devices',
  notBeforeMs: 0,
  notAfterMs: clock.nowMs() + 1e9,
  issuedAtMs: 0,
  keyId: 'ab',
  firstUsedAtMs: undefined,
  revokedAtMs: undefined,
  reason: undefined,
  replacedBy: undefined,
};
const revoked = (revokedAtMs = clock.nowMs()): CertificateRecord => ({ ...record, revokedAtMs, reason: 'superseded' });

async function open(table = new MemoryTable(CERTIFICATES)) {
  const revocations = await Revocations.open(table, clock);
  let told = 0;
  revocations.onChange(() => {
    told += 1;
  });
  return { table, revocations, told: () => told };
}

test('knows at once what is revoked, under its own authority alone, and tells of it once', async () => {
  const { table, revocations, told } = await open();
  await table.put('AB', record);
  assert.deepEqual([revocations.isRevoked('devices', 'AB'), told()], [false, 0]);
  await table.put('AB', revoked());
  assert.deepEqual([revocations.isRevoked('devices', 'AB'), told()], [true, 1]);
  assert.equal(revocations.isRevoked('acme', 'AB'), false);
  await table.put('AB', { ...revoked(), replacedBy: 'CD' });
  assert.equal(told(), 1);
  assert.deepEqual(revocations.list('devices'), [
    {
      serial: 'AB',
      authority: 'devices',
      revokedAtMs: clock.nowMs(),
      reason: 'superseded',
      notAfterMs: record.notAfterMs,
    },
  ]);
  assert.deepEqual(revocations.list('acme'), []);
  await table.delete('AB');
  assert.equal(revocations.size, 0);
});

test('one that ends later is told of when its time has come', async () => {
  const { table, revocations, told } = await open();
  await table.put('AB', revoked(clock.nowMs() + 60_000));
  assert.deepEqual([revocations.isRevoked('devices', 'AB'), revocations.list('devices').length, told()], [false, 0, 0]);
  clock.pass(59_000);
  assert.deepEqual([revocations.isRevoked('devices', 'AB'), told()], [false, 0]);
  clock.pass(6_000);
  assert.deepEqual([revocations.isRevoked('devices', 'AB'), revocations.list('devices').length, told()], [true, 1, 1]);
  clock.pass(60_000);
  assert.equal(told(), 1);
});

test('reads at its start those that are revoked, and nothing of the others', async () => {
  const reads: (TableScan & { records: number })[] = [];
  class Counted extends MemoryTable<CertificateRecord> {
    override scan(scan: TableScan): TablePage<CertificateRecord> {
      const page = super.scan(scan);
      reads.push({ ...scan, records: page.records.length });
      return page;
    }
  }
  const table = new Counted(CERTIFICATES);
  for (let index = 0; index < 3_000; index += 1) await table.put(`A${index}`, record);
  for (let index = 0; index < 2_500; index += 1) await table.put(`B${index}`, revoked());
  const { revocations } = await open(table);
  assert.equal(revocations.size, 2_500);
  assert.equal(
    reads.reduce((sum, { records }) => sum + records, 0),
    2_500,
  );
  assert.ok(revocations.isRevoked('devices', 'B2499'));
});

test('reads in many turns, so that others have theirs', async () => {
  const table = new MemoryTable(CERTIFICATES);
  for (let index = 0; index < 1_000; index += 1) await table.put(`B${index}`, revoked());
  let isOpen = false;
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (!isOpen) setImmediate(count);
  };
  setImmediate(count);
  const { revocations } = await open(table);
  isOpen = true;
  assert.equal(revocations.size, 1_000);
  assert.ok(turns >= 3, `${turns} turns`);
});

test('what is revoked while it starts counts, whatever an older page says', async () => {
  class Slow extends MemoryTable<CertificateRecord> {
    override scan(scan: TableScan): TablePage<CertificateRecord> {
      const page = super.scan(scan);
      void this.put('AB', revoked());
      return page;
    }
  }
  const table = new Slow(CERTIFICATES);
  await table.put('AB', revoked(clock.nowMs() + 60_000));
  const { revocations } = await open(table);
  assert.equal(revocations.isRevoked('devices', 'AB'), true);
});

test('one that has expired is forgotten, a day after, and not read again', async () => {
  const { table, revocations } = await open();
  await table.put('AB', { ...revoked(), notAfterMs: clock.nowMs() + 3_600_000 });
  clock.pass(25 * 3_600_000);
  assert.equal(revocations.size, 1);
  clock.pass(2 * 3_600_000);
  assert.deepEqual([revocations.size, (await open(table)).revocations.size], [0, 0]);
});

test('lets go of the clock and of the table', async () => {
  const own = new TestClock();
  const table = new MemoryTable(CERTIFICATES);
  const revocations = await Revocations.open(table, own);
  revocations.close();
  await table.put('AB', revoked());
  assert.deepEqual([own.timers, revocations.size], [0, 0]);
});
