import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { hashPassword } from '@dunlin/identity';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import { TestClock } from '../../../test/doubles.ts';
import type { ConfigurationInput } from './configuration.ts';
import { askServer } from './control-client.ts';
import type { ServerEvent } from './events.ts';
import { type RunningServer, type ServerParts, startServer } from './server.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-running-'));
const running: RunningServer[] = [];
after(async () => {
  await Promise.all(running.map((server) => server.stop()));
  rmSync(scratch, { recursive: true });
});

const [ada, bob] = await Promise.all(
  ['ada', 'bob'].map(async (name) => ({ name, password: await hashPassword(Buffer.from(name)) })),
);
const listeners = [{ host: '127.0.0.1', port: 0 }];
const both: ConfigurationInput = { listeners, authentication: [{ method: 'users', users: [ada, bob] }] };

async function start(configuration: ConfigurationInput, parts: ServerParts = {}) {
  const events: ServerEvent[] = [];
  const server = await startServer(configuration, { onEvent: (event) => events.push(event), ...parts });
  running.push(server);
  const client = async (username: string): Promise<RawClient> => {
    const raw = await RawClient.open({ host: '127.0.0.1', port: server.listeners[0].port }, 5);
    await raw.connect({ clientId: username, username, password: username });
    return raw;
  };
  return { server, events, client };
}

test('a reload cuts whose user was removed, and lets the others go on', async () => {
  const { server, events, client } = await start(both);
  const [one, two] = [await client('ada'), await client('bob')];
  const report = await server.reload({ listeners, authentication: [{ method: 'users', users: [ada] }] });
  const counts = { users: 1, rules: 0, disconnected: 1 };
  const disconnectedClients = [{ clientId: 'bob', check: 'user-removed' }];
  assert.deepEqual(report, { changed: ['authentication'], needsRestart: [], ...counts, disconnectedClients });
  await two.expect('disconnect', { code: 0x87 });
  await one.ping();
  assert.deepEqual(
    events.filter(({ name }) => name === 'reloaded'),
    [{ name: 'reloaded', changed: 'authentication', needsRestart: '', ...counts, clients: '"bob" (user-removed)' }],
  );
  await one.disconnect();
});

test('rules of a reload hold for subscriptions that were granted before', async () => {
  const allow = (topics: string[]): ConfigurationInput => ({
    ...both,
    authorization: { rules: [{ allow: ['publish', 'subscribe'], topics }], broaderFilter: 'check' },
  });
  const { server, client } = await start(allow(['#']));
  const [publisher, subscriber] = [await client('ada'), await client('bob')];
  await subscriber.subscribe('#');
  const report = await server.reload(allow(['open/#']));
  assert.deepEqual([report.changed, report.rules, report.disconnected], [['authorization'], 2, 0]);
  assert.equal(await publisher.deliver({ topic: 'shut/a', qos: 1 }), 0x87);
  await server.broker.publish('shut/b', Buffer.from('x'));
  await publisher.deliver({ topic: 'open/a', qos: 1 });
  await subscriber.receive({ topic: 'open/a' });
  for (const raw of [publisher, subscriber]) await raw.disconnect();
});

test('a reload with an error changes nothing and is told', async () => {
  const { server, events, client } = await start(both);
  const one = await client('bob');
  const wrong = { listeners, authentication: [{ method: 'passwordFile', file: join(scratch, 'none') }] } as const;
  await assert.rejects(server.reload(wrong), { name: 'ConfigurationError', message: /none/ });
  await assert.rejects(server.reload({ listeners: [] }), { name: 'ConfigurationError' });
  assert.equal(events.filter(({ name }) => name === 'reloadFailed').length, 2);
  await one.ping();
  assert.equal(server.configuration.authentication[0].method, 'users');
  await one.disconnect();
});

test('says what needs a restart, and leaves it as it was', async () => {
  const { server } = await start(both);
  const next = { ...both, listeners: [{ ...listeners[0], versions: [5] }], guard: { banS: 5 } } as const;
  const report = await server.reload(next);
  assert.deepEqual([report.changed, report.needsRestart], [[], ['listeners[tcp].versions', 'guard']]);
  assert.deepEqual(server.configuration.guard, {});
});

test('a server without authentication does not begin to ask at a reload, and says so', async () => {
  const { server, client } = await start({ listeners });
  const { needsRestart } = await server.reload(both);
  assert.deepEqual(needsRestart, ['authentication']);
  await (await client('eve')).disconnect();
});

test('the command line has a server reload by the function it was given, and learns where there is none', async () => {
  let next: ConfigurationInput = both;
  const data = join(scratch, 'data');
  await start({ ...both, data }, { reread: () => ({ ...next, data }) });
  next = { ...both, authentication: [{ method: 'users', users: [ada] }] };
  const answer = await askServer(data, { command: 'reload' });
  assert.deepEqual(answer?.result.changed, ['authentication']);
  assert.deepEqual((await askServer(data, { command: 'bans' }))?.result, []);
  assert.equal((await askServer(data, { command: 'acl-shadow' }))?.result, null);
  const other = join(scratch, 'other');
  await start({ ...both, data: other });
  await assert.rejects(askServer(other, { command: 'reload' }), {
    code: 'configuration-invalid',
    message: /^Cannot reload: the program of this server has no part "reread"/,
  });
});

test('one reload follows the other, and none comes after the stop', async () => {
  const { server, events } = await start(both);
  const level = (name: 'warn' | 'error') => server.reload({ ...both, log: { level: name } });
  const reports = await Promise.all([level('warn'), level('error')]);
  assert.deepEqual(
    reports.map(({ changed }) => changed),
    [['log.level'], ['log.level']],
  );
  const under = level('warn');
  const stopped = server.stop();
  await assert.rejects(under, /the server is stopping/);
  await stopped;
  await assert.rejects(level('warn'), /the server is stopping/);
  assert.equal(events.filter(({ name }) => name === 'reloadFailed').length, 2);
});

test('a start that fails leaves no timer, no port and no lock behind', async () => {
  const { server } = await start({ listeners });
  const { port } = server.listeners[0];
  const clock = new TestClock(Date.now());
  const data = join(scratch, 'failed');
  const certificate = join(scratch, 'ca.pem');
  const failing: ConfigurationInput = {
    ...both,
    data,
    listeners: [...listeners, { name: 'taken', host: '127.0.0.1', port }],
  };
  for (let time = 0; time < 2; time++) await assert.rejects(startServer(failing, { clock }), { code: 'EADDRINUSE' });
  writeFileSync(certificate, 'no certificate');
  const authorities = [{ name: 'ours', certificate }];
  await assert.rejects(startServer({ ...both, authorities, data }, { clock }), { name: 'ConfigurationError' });
  assert.equal(clock.timers, 0);
});
