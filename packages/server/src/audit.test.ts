import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeOf } from '@dunlin/devices';
import { StandingClock } from './api/testing/host.ts';
import { openAudit, SERVER_CHANGES } from './audit.ts';
import type { ServerEvent } from './events.ts';
import { MemoryTables } from './memory-tables.ts';

test('an API key is written down by what it may, and not for being used', () => {
  const ofKey = SERVER_CHANGES['api-keys'] as ChangeOf<object>;
  const key = { id: 'k', name: 'n', scopes: ['devices:read'], sha256: 'a hash', createdBy: 'local' };
  const added = { action: 'key.add', target: 'k', after: { name: 'n', scopes: ['devices:read'] } };
  assert.deepEqual(ofKey(undefined, key, 'k'), added);
  assert.equal(ofKey(key, { ...key, lastUsedAtMs: 1 }, 'k'), undefined);
  assert.deepEqual(ofKey(key, undefined, 'k'), { action: 'key.remove', target: 'k', before: added.after });
});

test('that entries make room is an event', async () => {
  const events: ServerEvent[] = [];
  const audit = await openAudit({
    ...{ tables: new MemoryTables(), clock: new StandingClock(), entriesMax: 1 },
    tell: (event) => events.push(event),
  });
  for (let index = 0; index < 3; index++) await audit.log.record({ action: 'key.add', target: 'k' }).stored;
  await audit.close();
  const detail = '1 of the oldest entries made room';
  assert.deepEqual(events, [{ name: 'apiLimitReached', limit: 'auditEntriesMax', by: '', detail }]);
});
