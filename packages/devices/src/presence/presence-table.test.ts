import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { CONNECTED, PRESENCE_TABLE, type PresenceRecord, presenceMessage } from './presence-table.ts';

const record: PresenceRecord = {
  ...{ deviceId: 'd', connected: true, session: 3, clientId: 'c', address: '::1', listener: 'tcp', protocolVersion: 5 },
  ...{ reason: '', connectedAtMs: 1, disconnectedAtMs: undefined, lastSeenAtMs: 1, topic: 'presence/d' },
};

test('the message says what is known of the device, and not where it stands', () => {
  assert.deepEqual(JSON.parse(new TextDecoder().decode(presenceMessage(record))), {
    ...{ deviceId: 'd', connected: true, session: 3, clientId: 'c', address: '::1', listener: 'tcp' },
    ...{ protocolVersion: 5, reason: '', connectedAtMs: 1, lastSeenAtMs: 1 },
  });
});

test('who is connected is found without a look at the others', async () => {
  const table = new MemoryTable(PRESENCE_TABLE);
  await table.put('d', record);
  await table.put('e', { ...record, connected: false });
  const { records } = table.scan({ index: 'connected', exact: CONNECTED, limit: 9 });
  assert.deepEqual(
    records.map(({ key }) => key),
    ['d'],
  );
});
