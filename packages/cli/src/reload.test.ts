import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connect } from '@dunlin/client';
import { hashPassword } from '@dunlin/identity';
import { readConfigurationFile, startServer } from '@dunlin/server';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-reload-'));
const config = join(scratch, 'dunlin.yaml');
const write = (...more: string[]): void =>
  writeFileSync(config, ['data: data', 'listeners: [{host: 127.0.0.1, port: 0}]', ...more, ''].join('\n'));
write();
const reread = () => readConfigurationFile(config);
const events: string[] = [];
const server = await startServer(reread(), { reread, onEvent: ({ name }) => events.push(name) });
after(async () => {
  await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

const hash = await hashPassword(Buffer.from('secret'));

async function reload(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['reload', ...argv], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('says what changed and what needs a restart, as text and as JSON', async () => {
  write('log: {level: warn}', 'limits: {receiveMaximum: 5}');
  const text = await reload('--config', config);
  assert.deepEqual(text, {
    exitCode: 0,
    err: '',
    out:
      'The configuration and its files were read again:\n  changed keys   log.level\n  needs restart  limits\n' +
      '  users          none\n  rules          none\n  clients        0 sent away\n',
  });
  assert.match((await reload('--config', config)).out, /changed keys {3}none\n/);
  const { out } = await reload('--data', join(scratch, 'data'), '--json');
  const counts = { users: 0, rules: 0, disconnected: 0, disconnectedClients: [] };
  assert.deepEqual(JSON.parse(out), { changed: [], needsRestart: ['limits'], ...counts });
});

test('names the first twenty clients that were sent away, and counts the others', async () => {
  const users = (name: string): string =>
    `authentication: [{method: users, users: [{name: ${name}, password: "${hash}"}]}]`;
  const other = join(scratch, 'other.yaml');
  const lines = (user: string): string =>
    ['data: other', 'listeners: [{host: 127.0.0.1, port: 0}]', users(user), ''].join('\n');
  writeFileSync(other, lines('ada'));
  const rereadOther = () => readConfigurationFile(other);
  const guarded = await startServer(rereadOther(), { reread: rereadOther });
  after(() => guarded.stop());
  const url = `mqtt://127.0.0.1:${guarded.listeners[0].port}`;
  for (let i = 0; i < 22; i++)
    await connect(url, {
      clientId: i === 0 ? '\u202eada' : `c${i}`,
      username: 'ada',
      password: 'secret',
      reconnect: false,
    });
  writeFileSync(other, lines('bob'));
  const { out } = await reload('--config', other);
  const shown = out.slice(out.indexOf('  clients')).split('\n');
  assert.equal(shown[0], '  clients        22 sent away');
  assert.equal(shown[1], '    "\\u202eada": user-removed');
  assert.deepEqual(shown.slice(20), ['    "c19": user-removed', '    and 2 more', '']);
});

test('an error is told with exit code 3 and by the server, however it is named, and changes nothing', async () => {
  const data = join(scratch, 'data');
  for (const [line, fault] of [
    ['log: {level: loud}', /^dunlin reload: .*dunlin\.yaml:3: log\.level is "loud"/],
    ['log: {level: ', /^dunlin reload: .*dunlin\.yaml:\d: this is not the YAML that is expected/],
  ] as const) {
    write(line);
    for (const flags of [
      ['--data', data],
      ['--config', config],
    ]) {
      events.length = 0;
      const { exitCode, out, err } = await reload(...flags);
      assert.deepEqual([exitCode, out, events], [3, '', ['reloadFailed']]);
      assert.match(err, fault);
    }
  }
  assert.equal(server.configuration.log.level, 'warn');
});

test('a file in which the data directory cannot be found names no server, and says why', async () => {
  const broken = join(scratch, 'broken.yaml');
  for (const text of ['log: {level: ', 'data: a\ndata: b\n', 'data: [a]\n']) {
    writeFileSync(broken, text);
    const { exitCode, err } = await reload('--config', broken);
    assert.equal(exitCode, 3, text);
    assert.match(err, /^dunlin reload: .*broken\.yaml:\d: /, text);
  }
});

test('takes nothing but flags', async () => {
  assert.deepEqual(await reload('now'), {
    exitCode: 1,
    out: '',
    err: 'dunlin reload: Cannot use "now": expected nothing but flags, see dunlin reload --help\n',
  });
});
