import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { askRunning } from './control.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dunlin-cli-control-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

test('says that no server runs, with exit code 2', async () => {
  await assert.rejects(askRunning({ data: scratch }, { command: 'bans' }), {
    exitCode: 2,
    message: /^Cannot ask a server: none runs with the data directory .*\nName the data directory with --data DIR/,
  });
});

test('says that a configuration is wrong, with exit code 3, and that a server cannot be reached, with 2', async (context) => {
  const config = join(scratch, 'dunlin.yaml');
  writeFileSync(config, 'durability: memory\n');
  await assert.rejects(askRunning({ config }, { command: 'bans' }), { exitCode: 3, message: /there is no store/ });
  const data = join(scratch, 'other');
  mkdirSync(data);
  const other = createServer((socket) => socket.resume().end());
  await new Promise<void>((resolve) => other.listen(join(data, 'control'), resolve));
  context.after(() => other.close());
  await assert.rejects(askRunning({ data }, { command: 'bans' }), { exitCode: 2, message: /^Cannot reach the server/ });
});
