import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIT_TABLE, type Tables } from '@dunlin/devices';
import { StandingClock } from './api/testing/host.ts';
import { AuditOnDemand } from './audit-on-demand.ts';
import { MemoryTables } from './memory-tables.ts';

/** Tables that count how often the audit log was opened, and fail as often as told. */
function countedTables(failures = 0): { readonly tables: Tables; readonly opened: () => number } {
  const inner = new MemoryTables();
  let opened = 0;
  let left = failures;
  const tables: Tables = {
    table: (definition) => {
      if (definition.name === AUDIT_TABLE.name) opened += 1;
      if (left-- > 0) throw new Error('the disk is away');
      return inner.table(definition);
    },
  };
  return { tables, opened: () => opened };
}

function onDemand(tables: Tables): AuditOnDemand {
  return new AuditOnDemand({ tables, clock: new StandingClock(), entriesMax: 10, tell: () => {} });
}

test('is opened once, by the first who asks, and by nobody where nobody asks', async () => {
  const { tables, opened } = countedTables();
  const audit = onDemand(tables);
  assert.equal(opened(), 0);
  const [first, second] = await Promise.all([audit.open(), audit.open()]);
  assert.equal(first, second);
  assert.equal(opened(), 1);
  await audit.close();
  await onDemand(tables).close();
  assert.equal(opened(), 1);
});

test('is opened anew for whoever asks after it could not be', async () => {
  const { tables, opened } = countedTables(1);
  const audit = onDemand(tables);
  await assert.rejects(audit.open(), /the disk is away/);
  await audit.open();
  assert.equal(opened(), 2);
  await audit.close();
});
