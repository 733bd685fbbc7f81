import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Publisher } from './publisher.ts';
import { ServerProcess } from './server-process.ts';
import { Subscriber } from './subscriber.ts';

const LAUNCHER = fileURLToPath(new URL('../../packages/cli/bin/dunlin.js', import.meta.url));
/** Acknowledged before the backup begins. */
const BEFORE = 2_000;
const scratch = mkdtempSync(join(tmpdir(), 'dunlin-backup-'));
const servers: ServerProcess[] = [];

after(async () => {
  for (const server of servers) await server.remove();
  rmSync(scratch, { recursive: true, force: true });
});

async function newServer(): Promise<ServerProcess> {
  const server = await ServerProcess.create({ name: 'dunlin', durability: 'durable' });
  servers.push(server);
  return server;
}

/** What the tool prints as JSON, run as a process of its own while this one keeps up the load. */
async function store(...argv: string[]): Promise<Record<string, unknown>> {
  const child = spawn(LAUNCHER, ['store', ...argv, '--json'], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, err);
  return JSON.parse(out);
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, 'waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test('a backup under load holds everything acknowledged before it, and a server goes on from it', async () => {
  const first = await newServer();
  await first.start();
  const away = { clientId: 'away', filters: ['load'], qos: 1 } as const;
  const absent = new Subscriber({ port: first.port, ...away });
  await absent.connect();
  await absent.whenSubscribed;
  absent.drop();
  const publisher = new Publisher({
    port: first.port,
    clientId: 'publisher',
    topic: 'load',
    qos: 1,
    retain: false,
    window: 50,
  });
  await publisher.connect();
  publisher.publish(Number.POSITIVE_INFINITY);
  await until(() => publisher.acknowledged.length >= BEFORE);

  const acknowledged = publisher.acknowledged.length;
  const copy = join(scratch, 'copy');
  const backup = await store('backup', copy, '--data', first.directory);
  assert.ok(publisher.acknowledged.length > acknowledged, 'nothing was published meanwhile');
  assert.equal(typeof (backup.server as { pid: number }).pid, 'number');
  const check = await store('check', '--data', first.directory);
  assert.deepEqual([check.isSound, check.sessions], [true, 2]);
  publisher.drop();
  await first.kill();

  const second = await newServer();
  const restored = await store('restore', copy, '--data', second.directory);
  assert.ok(Number(restored.queued) >= acknowledged);
  await second.start();
  const returned = new Subscriber({ port: second.port, ...away });
  await returned.connect();
  await until(() => returned.arrivals.length >= Number(restored.queued));
  returned.drop();
  for (const [index, { text }] of returned.arrivals.entries()) assert.equal(text, `publisher ${index + 1}`);
});

test('the socket that a killed server left is not in the way', async () => {
  const server = await newServer();
  await server.start();
  await server.kill();
  assert.equal((await store('stats', '--data', server.directory)).server, null);
  await server.start();
  assert.notEqual((await store('stats', '--data', server.directory)).server, null);
});
