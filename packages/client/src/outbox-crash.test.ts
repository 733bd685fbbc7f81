/** What the outbox in a file holds after its process was killed, and after its disk was full. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSystemCalls, straceCommand } from '../../../test/crash/system-calls.ts';
import { missing } from '../../../tools/prerequisites.ts';
import { recordsAfter } from './testing/outbox-child.ts';
import { contentsOf, outboxPath } from './testing/outbox-files.ts';

/** More where it is set: `OUTBOX_KILLS=200`. */
const KILLS = Number(process.env.OUTBOX_KILLS ?? 12);
/** Batches that the child keeps before it is killed. */
const BATCHES = 12;
const child = join(import.meta.dirname, 'testing/outbox-child.ts');

/** Kills a child at a random moment after some batches; returns the last one begun and the last one kept. */
function killed(path: string, first: number): Promise<{ begun: number; kept: number }> {
  const flags = ['--conditions=@dunlin/source', child, path, String(first)];
  const running = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  let isDoomed = false;
  running.stdout.setEncoding('utf8');
  running.stdout.on('data', (data: string) => {
    told += data;
    if (isDoomed || lastOf(told, 'a', first) < first + BATCHES) return;
    isDoomed = true;
    setTimeout(() => running.kill('SIGKILL'), Math.random() * 8);
  });
  return new Promise((resolve) => {
    running.once('close', () => resolve({ begun: lastOf(told, 'b', first), kept: lastOf(told, 'a', first) }));
  });
}

function lastOf(told: string, letter: string, first: number): number {
  return Number(
    told
      .split('\n')
      .findLast((line) => line.startsWith(letter))
      ?.slice(1) ?? first - 1,
  );
}

test('every kept batch is there, whole, in order and once, whenever the process is killed', async () => {
  const path = outboxPath();
  let next = 1;
  for (let kill = 0; kill < KILLS; kill++) {
    const { begun, kept } = await killed(path, next);
    const { records, clientId } = await contentsOf(path);
    const last = Math.floor((records.at(-1)?.sequence ?? 0) / 3);
    assert.ok(kept <= last && last <= begun, `batch ${last} is the last one there, ${kept} were kept of ${begun}`);
    assert.deepEqual(records, recordsAfter(last));
    assert.equal(clientId, 'child');
    next = last + 1;
  }
});

test('no write settles before the flush that covers it', { skip: missing('strace') }, async () => {
  const path = outboxPath();
  const log = `${path}-strace`;
  const node = [process.execPath, '--conditions=@dunlin/source', child, path, '1', '20'];
  const [command, ...flags] = straceCommand(['pwrite64', 'write', 'fdatasync', 'rename'], log, node);
  spawnSync(command, flags, { stdio: 'ignore', timeout: 60_000 });
  const steps: { readonly at: number; readonly letter: string }[] = [];
  for (const { name, descriptor, target, bytes, began, ended } of await readSystemCalls(log)) {
    const told = name === 'write' && descriptor === 1 && /^(a)\d+\n$/.exec(bytes.toString());
    if (told) steps.push({ at: began, letter: told[1] });
    else if (target.includes(path) && name === 'pwrite64') steps.push({ at: ended, letter: 'W' });
    else if (target.includes(path) && name === 'fdatasync') steps.push({ at: ended, letter: 'F' });
  }
  rmSync(log, { force: true });
  const order = steps
    .sort((a, b) => a.at - b.at)
    .map(({ letter }) => letter)
    .join('');
  assert.equal(order.replaceAll(/[WF]/g, ''), 'a'.repeat(20));
  assert.doesNotMatch(order, /Wa/);
  // The first file and each one written anew begin with their head; three writers share the flushes of the rest.
  assert.match(order, /^WF(WFa{1,3}|W+F)+$/);
});

test('a full disk refuses what has no room, and takes the rest', async () => {
  const path = outboxPath();
  // A limit on the size of files, with its signal ignored, fails the write as a full disk does. The unit differs.
  const limit = `trap '' XFSZ; ulimit -f 2048; exec "$@"`;
  const node = [process.execPath, '--conditions=@dunlin/source', child, path, 'fill'];
  const { stdout, status } = spawnSync('sh', ['-c', limit, 'sh', ...node], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(status, 0, stdout);
  const { kept, refusal, again, removed } = JSON.parse(stdout);
  assert.ok(kept > 5);
  assert.deepEqual([refusal, again, removed], ['full', 'full', 'kept']);
  const { records } = await contentsOf(path);
  assert.deepEqual(
    records.map(({ sequence }) => sequence),
    Array.from({ length: kept - 3 }, (_, index) => index + 4),
  );
});
