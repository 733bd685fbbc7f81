import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toolCommand } from './tool-command.ts';

const main = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url));

test('is the name alone where it is installed, the path where npx runs it or it runs from a checkout', () => {
  const bin = join('/a b', 'node_modules', '.bin', 'dunlin');
  assert.equal(toolCommand({ argv: ['node', bin], env: {} }), 'dunlin');
  assert.equal(toolCommand({ argv: ['node', bin], env: { npm_lifecycle_event: 'npx' } }), `'${bin}'`);
  assert.equal(
    toolCommand({ argv: ['node', '/r/packages/cli/src/main.ts'], env: {} }),
    '/r/packages/cli/bin/dunlin.js',
  );
  assert.equal(toolCommand({ argv: ['node'], env: { npm_lifecycle_event: 'npx' } }), 'dunlin');
});

test('the path of a checkout runs from another folder', () => {
  const command = toolCommand({ argv: ['node', main], env: {} });
  const { status, stdout } = spawnSync(`${command} --version`, { shell: true, cwd: tmpdir(), encoding: 'utf8' });
  assert.equal(status, 0);
  assert.match(stdout, /\d+\.\d+\.\d+/);
});
