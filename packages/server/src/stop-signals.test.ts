import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isNpm, stopSignals } from './stop-signals.ts';

test('resolves with the first signal and takes its echo for the same wish', async () => {
  const forced: string[] = [];
  const before = process.listenerCount('SIGTERM');
  const signals = stopSignals((signal) => forced.push(signal));
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

test('takes a parent for npm only where npm runs a script and its command line says so', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dunlin-proc-'));
  const event = process.env.npm_lifecycle_event;
  const commandLine = (pid: number, text: string): void => {
    mkdirSync(join(folder, String(pid)));
    writeFileSync(join(folder, String(pid), 'cmdline'), text);
  };
  try {
    commandLine(1, 'npm start\0\0\0');
    commandLine(2, 'sh\0-c\0dunlin serve\0');
    commandLine(3, '/usr/bin/node\0/usr/bin/npm\0start\0');
    process.env.npm_lifecycle_event = 'start';
    assert.deepEqual(
      [1, 2, 3, 4].map((pid) => isNpm(pid, folder)),
      [true, false, true, false],
    );
    delete process.env.npm_lifecycle_event;
    assert.equal(isNpm(1, folder), false);
  } finally {
    if (event === undefined) delete process.env.npm_lifecycle_event;
    else process.env.npm_lifecycle_event = event;
    rmSync(folder, { recursive: true });
  }
});
