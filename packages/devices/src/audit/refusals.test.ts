import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { AUDIT_TABLE, AuditLog, REFUSALS_TABLE } from './audit-log.ts';
import { REFUSALS_PER_MINUTE_MAX, Refusals } from './refusals.ts';

const RENEWAL = { name: 'renewalRefused', address: '192.0.2.1', why: 'it is disabled', isKnown: true } as const;

test('who may not is written down, a few times a minute, and how often it was not', async () => {
  const clock = new TestClock();
  const log = await AuditLog.open(new MemoryTable(AUDIT_TABLE), { clock, entriesMax: 100, madeRoom: () => {} });
  const refusals = new Refusals(log, clock);
  refusals.told({ name: 'claimEnded', claimId: 'c', why: 'expired' });
  refusals.told({ name: 'claimCodeWrong', owner: 'ann', address: '192.0.2.1' });
  for (let index = 1; index < REFUSALS_PER_MINUTE_MAX + 5; index++) refusals.told({ ...RENEWAL, deviceId: 'a' });
  clock.pass(60_000);
  refusals.told({ ...RENEWAL, deviceId: 'a' });
  const { entries } = await log.list(100);
  assert.equal(entries.length, REFUSALS_PER_MINUTE_MAX + 2);
  assert.deepEqual([entries[0].target, entries[0].after], ['a', { why: 'it is disabled', leftOut: 4 }]);
  const { action, after } = entries[REFUSALS_PER_MINUTE_MAX + 1];
  assert.deepEqual([action, after], ['claim.refuse', { owner: 'ann', from: '192.0.2.1' }]);
});

test('neither strangers nor whoever tries all the time keep others from their entry', async () => {
  const clock = new TestClock();
  const log = await AuditLog.open(new MemoryTable(REFUSALS_TABLE), { clock, entriesMax: 100, madeRoom: () => {} });
  const refusals = new Refusals(log, clock);
  for (let index = 0; index < 50; index++) {
    refusals.told({ ...RENEWAL, deviceId: `none-${index}`, isKnown: false });
    refusals.told({ ...RENEWAL, deviceId: 'a' });
  }
  refusals.told({ ...RENEWAL, deviceId: 'a', address: '192.0.2.2' });
  refusals.told({ ...RENEWAL, deviceId: 'b' });
  const { entries } = await log.list(100);
  const targets = entries.map(({ target }) => target);
  assert.deepEqual(targets, ['b', 'a', ...Array(REFUSALS_PER_MINUTE_MAX).fill('a')]);
});
