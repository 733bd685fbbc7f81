import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask, DirectoryLock } from './directory-lock.ts';
import { newDirectory } from './testing/directory.ts';

function directory(...below: string[]): string {
  const path = join(newDirectory(), ...below);
  mkdirSync(path, { recursive: true });
  return path;
}

/** A socket as a killed process leaves it. */
async function leftBehind(path: string): Promise<void> {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(join(path, 'bound'), resolve));
  linkSync(join(path, 'bound'), join(path, 'lock-dead'));
  await new Promise((resolve) => dead.close(resolve));
  assert.equal(await ask(join(path, 'lock-dead')), 'nobody');
}

test('lets one in, names it to the other, and lets the next one in after it', async () => {
  const path = directory();
  const lock = await DirectoryLock.acquire(path, 'serve');
  const [name, ...rest] = readdirSync(path);
  assert.deepEqual(rest, []);
  assert.equal(statSync(join(path, name)).mode & 0o777, 0o600);
  await assert.rejects(DirectoryLock.acquire(path, 'serve'), {
    code: 'locked',
    message: `Cannot open ${path}: the process ${process.pid} (a server) has it open; stop it first`,
  });
  await lock.release();
  assert.deepEqual(readdirSync(path), []);
  await (await DirectoryLock.acquire(path, 'serve')).release();
});

test('takes the lock of a killed process over', async () => {
  const path = directory();
  const source = `
    const { DirectoryLock } = await import(${JSON.stringify(new URL('directory-lock.ts', import.meta.url).href)});
    await DirectoryLock.acquire(${JSON.stringify(path)}, 'inspect');
    console.log('locked');
    setInterval(() => undefined, 1000);`;
  const flags = ['--conditions=@dunlin/source', '--input-type=module', '-e', source];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await assert.rejects(DirectoryLock.acquire(path, 'serve'), {
    message: new RegExp(`the process ${child.pid} \\(it looks at the store\\) has it open; wait until it has ended$`),
  });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  assert.equal(readdirSync(path).length, 1);
  await (await DirectoryLock.acquire(path, 'serve')).release();
});

test('lets one of many in that come at once, also where a dead one left its lock', async () => {
  const path = directory();
  await leftBehind(path);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => DirectoryLock.acquire(path, 'serve')));
  const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  assert.equal(winners.length, 1);
  for (const result of results) if (result.status === 'rejected') assert.match(String(result.reason), /has it open/);
  await winners[0].release();
  assert.deepEqual(readdirSync(path), []);
});

test('tells whether a directory is free and changes nothing in it', async () => {
  const path = directory();
  await leftBehind(path);
  await DirectoryLock.assertFree(path);
  assert.deepEqual(readdirSync(path), ['lock-dead']);
  const lock = await DirectoryLock.acquire(path, 'serve');
  await assert.rejects(DirectoryLock.assertFree(path), { code: 'locked', message: /has it open; stop it first$/ });
  await lock.release();
});

test('takes an owner that does not answer for an owner', async () => {
  const path = directory();
  const silent = createServer((socket) => socket.end('?'));
  await new Promise<void>((resolve) => silent.listen(join(path, 'lock-other'), resolve));
  await assert.rejects(DirectoryLock.acquire(path, 'serve'), {
    code: 'locked',
    message: /a process that does not answer/,
  });
  await new Promise((resolve) => silent.close(resolve));
});

test('locks a directory whose path is too long for a socket', { skip: !existsSync('/proc/self/fd') }, async () => {
  const path = directory('d'.repeat(100), 'e'.repeat(100));
  const lock = await DirectoryLock.acquire(path, 'serve');
  assert.equal(readdirSync(path).length, 1);
  await assert.rejects(DirectoryLock.acquire(path, 'serve'), { code: 'locked' });
  await lock.release();
  await (await DirectoryLock.acquire(path, 'serve')).release();
  assert.deepEqual(readdirSync(path), []);
});
