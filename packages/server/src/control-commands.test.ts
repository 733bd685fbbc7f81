import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckReport, StoreStats } from '@dunlin/lmdb';
import { controlCommands } from './control-commands.ts';

const backups: string[] = [];
const stats = { keys: 1 } as StoreStats;
const report = { sessions: 2 } as CheckReport;
const reloaded = { changed: ['guard'], needsRestart: [], users: 1, rules: 0, disconnected: 0, disconnectedClients: [] };
const ban = {
  listener: 'tcp',
  address: '192.0.2.1',
  username: undefined,
  clientId: undefined,
  identity: undefined,
  endsInMs: 5,
};
const lifted: unknown[] = [];
const commands = controlCommands({
  server: { pid: 4711, version: '1.2.3' },
  api: async ({ method, path }: { method: string; path: string }) => ({
    status: 200,
    headers: {},
    body: `${method} ${path}`,
  }),
  reload: async () => reloaded,
  doors: {
    shadow: () => undefined,
    ban: (...who) => {
      if (who[0] === 'foo') throw new RangeError('Cannot ban "foo"');
      lifted.push(who);
    },
    bans: () => [ban],
    liftBan: (...who) => lifted.push(who) > 0,
    liftClientBan: (...who) => lifted.push(who) > 0,
  },
  storage: {
    stats: async () => stats,
    check: async () => report,
    backup: async (to) => void backups.push(to),
  },
});

test('hello names the server and every command', async () => {
  const known = [
    ...['hello', 'store-stats', 'store-check', 'store-backup'],
    ...['reload', 'api', 'acl-shadow', 'bans', 'ban', 'lift-ban'],
  ];
  assert.deepEqual(await commands.hello({}), { pid: 4711, version: '1.2.3', commands: known });
});

test('the API is asked with method and path, and nothing else is taken for a request', async () => {
  assert.equal((await commands.api({ method: 'GET', path: '/api/v1/devices' })).body, 'GET /api/v1/devices');
  for (const wrong of [{}, { method: 'PUT', path: '/a' }, { method: 'GET', path: 'a' }, { method: 'GET', path: 7 }])
    await assert.rejects(async () => commands.api(wrong), { code: 'bad-parameter' });
  for (const headers of [null, 'a', { a: 1 }])
    await assert.rejects(async () => commands.api({ method: 'GET', path: '/a', headers }), { code: 'bad-parameter' });
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

test('reloads, and tells of bans and of rules that are tried out', async () => {
  assert.equal(await commands.reload({}), reloaded);
  assert.equal(await commands['acl-shadow']({}), null);
  assert.deepEqual(await commands.bans({}), [ban]);
});

test('bans an address, or a user there, for a time', async () => {
  lifted.length = 0;
  assert.deepEqual(await commands.ban({ address: '192.0.2.1' }), { address: '192.0.2.1' });
  await commands.ban({ address: '192.0.2.1', username: 'ada', banS: 60 });
  assert.deepEqual(lifted.splice(0), [
    ['192.0.2.1', undefined, undefined],
    ['192.0.2.1', 'ada', 60_000],
  ]);
  await assert.rejects(commands.ban({ address: 'foo' }), { code: 'bad-parameter', message: 'Cannot ban "foo"' });
  for (const wrong of [
    {},
    { address: 7 },
    { address: 'a', username: 7 },
    { address: 'a', banS: 0 },
    { address: 'a', banS: 1e9 },
  ])
    await assert.rejects(commands.ban(wrong), {
      code: 'bad-parameter',
      message: /^Cannot ban: expected is an address/,
    });
});

test('lifts the ban of an address, of a user there, or of a client', async () => {
  assert.deepEqual(await commands['lift-ban']({ address: '192.0.2.1' }), { lifted: true });
  await commands['lift-ban']({ address: '192.0.2.1', username: 'ada' });
  await commands['lift-ban']({ clientId: 'c' });
  await commands['lift-ban']({ clientId: 'c', identity: 'users:ada' });
  assert.deepEqual(lifted, [
    ['192.0.2.1', undefined],
    ['192.0.2.1', 'ada'],
    ['c', undefined],
    ['c', 'users:ada'],
  ]);
  for (const wrong of [
    {},
    { address: 7 },
    { address: 'a', username: 7 },
    { address: 'a', clientId: 'c' },
    { clientId: 'c', identity: 7 },
    { address: 'a', identity: 'i' },
  ])
    await assert.rejects(commands['lift-ban'](wrong), { code: 'bad-parameter', message: /^Cannot lift a ban: / });
  assert.equal(lifted.length, 4);
});
