import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineFromNpm, stopSignals } from './stop-signals.ts';

test('resolves with the first signal and takes its echo for the same wish', async () => {
  const forced: string[] = [];
  const before = process.listenerCount('SIGTERM');
  const signals = stopSignals({ force: (signal) => forced.push(signal), reload: () => assert.fail() });
  try {
    process.emit('SIGINT', 'SIGINT');
    process.emit('SIGTERM', 'SIGTERM');
    assert.equal(await signals.stop, 'SIGINT');
    assert.deepEqual(forced, []);
    await new Promise((resolve) => setTimeout(resolve, 550));
    process.emit('SIGTERM', 'SIGTERM');
    assert.deepEqual(forced, ['SIGTERM']);
  } finally {
    signals.close();
  }
  assert.equal(process.listenerCount('SIGTERM'), before);
});

test('takes SIGHUP for a wish to reload, and to stop where the terminal was closed', async () => {
  let isOpen = true;
  let reloads = 0;
  const signals = stopSignals({
    force: () => assert.fail(),
    reload: () => {
      reloads += 1;
    },
    isTerminal: (stream) => stream === 0 && isOpen,
  });
  try {
    process.emit('SIGHUP', 'SIGHUP');
    assert.equal(reloads, 1);
    isOpen = false;
    process.emit('SIGHUP', 'SIGHUP');
    assert.equal(await signals.stop, 'SIGHUP');
    assert.equal(reloads, 1);
  } finally {
    signals.close();
  }
});

test('finds npm above it, also through the shell of npx, and not through a shell with more to do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-proc-'));
  const event = process.env.npm_lifecycle_event;
  const add = (pid: number, parent: number, text: string): void => {
    mkdirSync(join(folder, String(pid)));
    writeFileSync(join(folder, String(pid), 'cmdline'), text);
    writeFileSync(join(folder, String(pid), 'stat'), `${pid} (a) b) S ${parent} 1 1 0`);
  };
  try {
    add(1, 0, '/sbin/init\0');
    add(10, 1, 'npm start\0\0\0');
    add(20, 1, '/usr/bin/node\0/usr/bin/npm\0start\0');
    add(30, 1, 'npm exec dunlin serve\0\0');
    add(31, 30, 'sh\0-c\0dunlin serve --port 0\0');
    add(32, 31, '/usr/bin/node\0/x/node_modules/.bin/dunlin\0serve\0');
    add(40, 30, 'sh\0-c\0dunlin serve & sleep 9\0');
    add(50, 1, 'sh\0-c\0dunlin serve\0');
    process.env.npm_lifecycle_event = 'npx';
    assert.deepEqual(
      [10, 20, 31, 32, 40, 50, 99].map((pid) => lineFromNpm(pid, folder)),
      [[10], [20], [31, 30], [32, 31, 30], [], [], []],
    );
    delete process.env.npm_lifecycle_event;
    assert.deepEqual(lineFromNpm(10, folder), []);
  } finally {
    if (event === undefined) delete process.env.npm_lifecycle_event;
    else process.env.npm_lifecycle_event = event;
    rmSync(folder, { recursive: true });
  }
});
