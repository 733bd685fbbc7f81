import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryTable } from '@dunlin/broker';
import { actingAs, actingForService } from '../actor.ts';
import { TestClock } from '../testing/clock.ts';
import { AUDIT_TABLE, AuditLog } from './audit-log.ts';
import { GATHERED_MAX, gathered } from './gathering.ts';

const imported: typeof gathered = (...gathering) => actingAs({ by: 'key:1' }, () => gathered(...gathering));

async function opened() {
  const log = await AuditLog.open(new MemoryTable(AUDIT_TABLE), {
    clock: new TestClock(),
    entriesMax: 1_000,
    madeRoom: () => {},
  });
  const note = async (action: string, target: string) => {
    const recorded = await log.note({ action, target });
    await recorded.stored;
    return recorded;
  };
  // biome-ignore lint/suspicious/noExplicitAny: whatever was written
  const entries = async (): Promise<any[]> => (await log.list(1_000)).entries.toReversed();
  return { note, entries };
}

test('many changes are few entries that name each, and a last one that counts them', async () => {
  const { note, entries } = await opened();
  const ids = Array.from({ length: GATHERED_MAX + 50 }, (_, index) => `d${index}`);
  const work = async () => {
    await Promise.all(ids.map((id) => note('device.add', id)));
    await note('token.issue', 'd7');
    return 'report';
  };
  assert.equal(await imported('device.import', work, (report) => ({ report })), 'report');
  const [first, second, last, ...more] = await entries();
  assert.deepEqual(more, []);
  assert.deepEqual([...first.after.changes['device.add'], ...second.after.changes['device.add']], ids);
  assert.equal(first.after.changes['device.add'].length, GATHERED_MAX);
  assert.deepEqual(second.after.changes['token.issue'], ['d7']);
  assert.deepEqual(last.after, {
    outcome: 'complete',
    report: 'report',
    counts: { 'device.add': ids.length, 'token.issue': 1 },
  });
});

test('what failed in the middle says what was done before it, and why without its words', async () => {
  const { note, entries } = await opened();
  const work = async () => {
    await note('device.add', 'a');
    throw Object.assign(new Error('the token tok-1 is wrong'), { code: 'full' });
  };
  await assert.rejects(
    imported('device.import', work, () => ({})),
    { code: 'full' },
  );
  const [part, last] = await entries();
  assert.deepEqual(part.after, { outcome: 'going-on', changes: { 'device.add': ['a'] } });
  assert.deepEqual(last.after, { outcome: 'failed', error: 'full', counts: { 'device.add': 1 } });
});

test('a change that did not come to be is taken back', async () => {
  const { note, entries } = await opened();
  const work = async () => {
    const a = await note('device.add', 'a');
    await note('device.add', 'b');
    a.withdraw();
  };
  await imported('device.import', work, () => ({}));
  const [part, last] = await entries();
  assert.deepEqual([part.after.changes['device.add'], last.after.counts], [['b'], { 'device.add': 1 }]);
});

test('where nothing was changed there is no entry', async () => {
  const { entries } = await opened();
  await imported(
    'device.import',
    async () => {},
    () => ({}),
  );
  assert.deepEqual(await entries(), []);
});

test('what the service does by itself meanwhile has entries of its own', async () => {
  const { note, entries } = await opened();
  await imported(
    'device.import',
    () => actingForService(() => note('certificate.revoke', 'AB')),
    () => ({}),
  );
  assert.deepEqual(
    (await entries()).map(({ by, action }) => [by, action]),
    [['service', 'certificate.revoke']],
  );
});
