import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { RawClient } from '../../../test/conformance/raw-client.ts';
import { ConfigurationError } from './configuration.ts';
import { defaultDataDirectory } from './data-directory.ts';
import { type RunningServer, startServer } from './server.ts';
import { SERVER_VERSION } from './server-version.ts';
import { dataDirectory, storeBackup, storeCheck, storeRestore, storeStats } from './store-commands.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-store-'));
const running = new Set<RunningServer>();
let directories = 0;

after(async () => {
  for (const server of running) await server.stop();
  rmSync(scratch, { recursive: true, force: true });
});

function newDirectory(): string {
  directories += 1;
  return join(scratch, String(directories));
}

/** A server on a directory, to which so many clients with a session each have come. */
async function served(directory: string, clients = 0): Promise<RunningServer> {
  const server = await startServer({ listeners: [{ host: '127.0.0.1', port: 0 }], data: directory });
  running.add(server);
  for (let count = 1; count <= clients; count++) {
    const client = await RawClient.open({ host: '127.0.0.1', port: server.listeners[0].port }, 5);
    await client.connect({ clientId: `client-${count}`, properties: { sessionExpiryInterval: 1000 } });
    await client.subscribe(['t', 1]);
    await client.disconnect();
  }
  return server;
}

const online = { pid: process.pid, version: SERVER_VERSION };

test('asks the server that has the directory, and opens the directory where none has', async () => {
  const directory = newDirectory();
  const server = await served(directory, 2);
  const stats = await storeStats(directory);
  assert.deepEqual([stats.directory, stats.server], [directory, online]);
  const check = await storeCheck(directory);
  assert.deepEqual([check.server, check.result.sessions, check.result.subscriptions], [online, 2, 2]);
  await server.stop();
  assert.deepEqual(readdirSync(directory).sort(), ['data.mdb', 'data.mdb-lock']);
  const closed = await storeCheck(directory);
  assert.deepEqual([closed.server, closed.result], [undefined, check.result]);
  const closedStats = await storeStats(directory);
  assert.deepEqual([closedStats.server, closedStats.result.keys], [undefined, stats.result.keys]);
});

test('backs up online and offline alike, and a restored backup serves', async () => {
  const directory = newDirectory();
  const server = await served(directory, 3);
  const [first, second] = [newDirectory(), newDirectory()];
  const fromServer = await storeBackup(directory, first);
  assert.deepEqual(fromServer.server, online);
  await server.stop();
  const fromFile = await storeBackup(directory, second);
  assert.deepEqual([fromFile.server, fromFile.result.report], [undefined, fromServer.result.report]);
  for (const to of [first, second]) assert.deepEqual(readdirSync(to), ['data.mdb']);
  const restored = newDirectory();
  assert.equal((await storeRestore(first, restored, false)).report.sessions, 3);
  const again = await served(restored);
  assert.equal([...again.broker.sessions()].length, 3);
});

test('refuses a backup onto the data directory or over anything, online and offline', async () => {
  const directory = newDirectory();
  const server = await served(directory);
  const full = newDirectory();
  mkdirSync(full);
  writeFileSync(join(full, 'notes'), '');
  const refusals = async () => {
    const itself = /^Cannot back up to .*: it is the data directory itself/;
    await assert.rejects(storeBackup(directory, directory), { code: 'not-openable', message: itself });
    const holds = {
      code: 'not-openable',
      message: `Cannot back up to ${full}: it holds notes, expected is an empty directory`,
    };
    await assert.rejects(storeBackup(directory, full), holds);
  };
  await refusals();
  await server.stop();
  await refusals();
  await assert.rejects(storeBackup(newDirectory(), newDirectory()), { code: 'no-store' });
});

test('does not restore below a running server, nor from its directory', async () => {
  const [directory, backup] = [newDirectory(), newDirectory()];
  await served(directory, 1);
  await storeBackup(directory, backup);
  const expected = {
    code: 'locked',
    message: new RegExp(`the process ${process.pid} \\(a server\\) has it open; stop it first`),
  };
  await assert.rejects(storeRestore(backup, directory, true), expected);
  await assert.rejects(storeRestore(directory, newDirectory(), false), expected);
});

test('finds the data directory as serve does', () => {
  assert.equal(dataDirectory('here', undefined), resolve('here'));
  assert.throws(() => dataDirectory('', undefined), /^ConfigurationError: --data is "": a directory is expected$/);
  assert.equal(dataDirectory(undefined, undefined), resolve(defaultDataDirectory()));
  const file = join(scratch, 'dunlin.yaml');
  writeFileSync(file, 'data: there\n');
  assert.equal(dataDirectory(undefined, file), join(scratch, 'there'));
  assert.equal(dataDirectory('here', file), resolve('here'));
  process.env.DUNLIN_DATA = 'elsewhere';
  assert.deepEqual(
    [dataDirectory(undefined, file), dataDirectory('here', file)],
    ['elsewhere', 'here'].map((path) => resolve(path)),
  );
  delete process.env.DUNLIN_DATA;
  process.env.DUNLIN_CONFIG = file;
  assert.equal(dataDirectory(undefined, undefined), join(scratch, 'there'));
  delete process.env.DUNLIN_CONFIG;
  writeFileSync(file, 'log:\n  level: warn\n');
  assert.equal(dataDirectory(undefined, file), resolve(defaultDataDirectory()));
  writeFileSync(file, 'data: there\nlog:\n  level: loud\n');
  assert.equal(dataDirectory(undefined, file), join(scratch, 'there'));
  for (const other of ['durability: memory\n', 'port 1883\n', '- data\n', 'data: 1: 2\n', 'data:\n  - a\n']) {
    writeFileSync(file, other);
    assert.throws(() => dataDirectory(undefined, file), ConfigurationError, other);
  }
});
