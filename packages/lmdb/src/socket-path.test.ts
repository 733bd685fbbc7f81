import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { socketFolder } from './socket-path.ts';
import { newDirectory } from './testing/directory.ts';

test('leaves a short path as it is', () => {
  assert.equal(socketFolder('short', 20).folder, 'short');
});

test('names a long path another way, until it is freed', { skip: !existsSync('/proc/self/fd') }, () => {
  const path = join(newDirectory(), 'd'.repeat(120));
  mkdirSync(path, { recursive: true });
  const { folder, free } = socketFolder(path, 10);
  assert.ok(folder.length < 40, folder);
  writeFileSync(join(folder, 'file'), '');
  assert.deepEqual(readdirSync(path), ['file']);
  free();
  assert.throws(() => readdirSync(folder));
});
