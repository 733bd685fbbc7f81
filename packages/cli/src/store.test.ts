import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type RunningServer, startServer } from '@dunlin/server';
import { RecordedTerminal } from './contract/recorded-terminal.ts';
import { run } from './main.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-store-'));
const running: RunningServer[] = [];
let directories = 0;

after(async () => {
  for (const server of running) await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

function newDirectory(): string {
  directories += 1;
  return join(scratch, String(directories));
}

async function served(data: string): Promise<RunningServer> {
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }], data });
  running.push(server);
  return server;
}

async function store(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const terminal = new RecordedTerminal();
  const exitCode = await run(['store', ...argv], terminal);
  return { exitCode, out: terminal.out, err: terminal.err };
}

test('looks at a store, backs it up and restores it, with a server and without', async () => {
  const [data, backup, other] = [newDirectory(), newDirectory(), newDirectory()];
  const server = await served(data);
  const { port } = server.listeners[0];
  const session = ['sub', '-h', '127.0.0.1', '-p', `${port}`, '-t', 't', '-q', '1', '-i', 'keeper', '-c', '-E'];
  assert.equal(await run(session, new RecordedTerminal()), 0);
  const stats = await store('stats', '--data', data);
  assert.deepEqual([stats.exitCode, stats.err], [0, '']);
  assert.match(stats.out, new RegExp(`^The store in ${data}:\n {2}server +process ${process.pid}, dunlin `));
  const check = await store('check', '--data', data);
  assert.equal(check.exitCode, 0, check.err);
  assert.match(check.out, /is sound:\n {2}sessions +1\n {2}subscriptions +1\n/);
  const saved = await store('backup', backup, '--data', data);
  assert.equal(saved.exitCode, 0, saved.err);
  assert.match(saved.out, new RegExp(`^Backed up ${data} to ${backup}; the copy is sound:`));
  const below = await store('restore', backup, '--data', data, '--force');
  assert.deepEqual([below.exitCode, below.out], [3, '']);
  assert.match(below.err, /^dunlin store: Cannot open .*: the process \d+ \(a server\) has it open; stop it first\n$/);
  await server.stop();
  const offline = JSON.parse((await store('check', '--data', data, '--json')).out);
  assert.deepEqual([offline.server, offline.isSound, offline.sessions], [null, true, 1]);
  const restored = await store('restore', backup, '--data', other);
  assert.equal(restored.exitCode, 0, restored.err);
  const again = await store('restore', backup, '--data', other);
  assert.deepEqual([again.exitCode, again.out], [3, '']);
  assert.match(again.err, /it holds a store already\nWith --force it is kept/);
  const { former } = JSON.parse((await store('restore', backup, '--data', other, '--force', '--json')).out);
  assert.equal(JSON.parse((await store('check', '--data', former, '--json')).out).sessions, 1);
});

test('finds problems with exit code 4, and refuses to restore such a store', async () => {
  const data = newDirectory();
  await (await served(data)).stop();
  const file = join(data, 'data.mdb');
  writeFileSync(file, readFileSync(file).subarray(0, 8_192));
  const check = await store('check', '--data', data);
  assert.deepEqual([check.exitCode, check.err], [4, '']);
  assert.match(check.out, /^The store in .* has a problem:\n {2}Cannot open .*data\.mdb: it is damaged/);
  const restore = await store('restore', data, '--data', newDirectory());
  assert.equal(restore.exitCode, 3);
  assert.match(
    restore.err,
    /^dunlin store: Cannot restore .*: Cannot open .* it is damaged .*; take another backup\n$/,
  );
});

test('finds the data directory by a configuration, and says where it looked', async () => {
  const data = newDirectory();
  const file = join(scratch, 'dunlin.yaml');
  writeFileSync(file, `data: ${data}\n`);
  const nothing = await store('stats', '--config', file);
  assert.deepEqual([nothing.exitCode, nothing.out], [3, '']);
  assert.match(
    nothing.err,
    new RegExp(`^dunlin store: Cannot open ${data}: there is no store in it.*\nName the data `),
  );
  await served(data);
  assert.equal((await store('stats', '--config', file)).exitCode, 0);
  writeFileSync(file, 'durability: memory\n');
  const memory = await store('stats', '--config', file);
  assert.deepEqual([memory.exitCode, memory.out], [1, '']);
  assert.match(memory.err, /durability is "memory", so there is no store/);
});

test('says with exit code 2 that a server cannot be reached', async () => {
  const data = newDirectory();
  mkdirSync(data);
  const other = createServer((socket) => socket.resume().end());
  await new Promise<void>((resolve) => other.listen(join(data, 'control'), resolve));
  const { exitCode, err } = await store('stats', '--data', data);
  assert.equal(exitCode, 2);
  assert.match(err, /^dunlin store: Cannot reach the server of .*\n$/);
  await new Promise((resolve) => other.close(resolve));
});

test('a wrong command line is told with exit code 1', async () => {
  const wrong = await store('repair');
  assert.deepEqual(wrong, {
    exitCode: 1,
    out: '',
    err: 'dunlin store: Cannot run "repair": expected one of stats, check, backup, restore, see dunlin store --help\n',
  });
});
