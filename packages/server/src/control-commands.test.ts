import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckReport, StoreStats } from '@dunlin/lmdb';
import { controlCommands } from './control-commands.ts';

const backups: string[] = [];
const stats = { keys: 1 } as StoreStats;
const report = { sessions: 2 } as CheckReport;
const commands = controlCommands({
  server: { pid: 4711, version: '1.2.3' },
  storage: {
    stats: async () => stats,
    check: async () => report,
    backup: async (to) => void backups.push(to),
  },
});

test('hello names the server and every command', async () => {
  const known = ['hello', 'store-stats', 'store-check', 'store-backup'];
  assert.deepEqual(await commands.hello({}), { pid: 4711, version: '1.2.3', commands: known });
});

test('the store answers for itself', async () => {
  assert.equal(await commands['store-stats']({}), stats);
  assert.equal(await commands['store-check']({}), report);
  assert.deepEqual(await commands['store-backup']({ to: '/backups/1' }), { to: '/backups/1' });
  assert.deepEqual(backups, ['/backups/1']);
});

test('a backup goes to an absolute path', async () => {
  for (const to of [undefined, 7, 'backups/1', '', '/a\0b'])
    await assert.rejects(commands['store-backup']({ to }), {
      code: 'bad-parameter',
      message: /^Cannot use to: it is .*, expected is an absolute path$/,
    });
  assert.equal(backups.length, 1);
});
