import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { TestClock } from '../testing/clock.ts';
import { AUDIT_TABLE, AuditLog } from './audit-log.ts';
import { REFUSALS_PER_MINUTE_MAX, Refusals } from './refusals.ts';

test('who may not is written down, a few times a minute, and how often it was not', async () => {
  const clock = new TestClock();
  const log = await AuditLog.open(new MemoryTable(AUDIT_TABLE), { clock, entriesMax: 100, madeRoom: () => {} });
  const refusals = new Refusals(log, clock);
  refusals.told({ name: 'claimEnded', claimId: 'c', why: 'expired' });
  refusals.told({ name: 'claimCodeWrong', owner: 'ann', address: '192.0.2.1' });
  for (let index = 1; index < REFUSALS_PER_MINUTE_MAX + 5; index++)
    refusals.told({ name: 'renewalRefused', deviceId: 'a', address: '', why: 'it is disabled' });
  clock.pass(60_000);
  refusals.told({ name: 'renewalRefused', deviceId: 'b', address: '', why: 'it is disabled' });
  const { entries } = await log.list(100);
  assert.equal(entries.length, REFUSALS_PER_MINUTE_MAX + 1);
  assert.deepEqual([entries[0].target, entries[0].after], ['b', { why: 'it is disabled', leftOut: 5 }]);
  const { action, after } = entries[REFUSALS_PER_MINUTE_MAX];
  assert.deepEqual([action, after], ['claim.refuse', { owner: 'ann', from: '192.0.2.1' }]);
});
