/** `durable` says what it means: no commit resolves before the flush that covers it. Read off the system calls. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSystemCalls, straceCommand } from '../../../test/crash/system-calls.ts';
import { missing } from '../../../tools/prerequisites.ts';
import { newDirectory } from './testing/directory.ts';

const COMMITS = 20;
const child = join(import.meta.dirname, 'testing/crash-child.ts');
const WANTED = ['openat', 'pwrite64', 'pwritev', 'writev', 'write', 'fdatasync', 'fsync', 'msync'];

/**
 * The system calls that matter, in the order they ended: W writes pages, F flushes them, M writes the meta page (its
 * 128 bytes that matter) through a descriptor that flushes by itself (O_DSYNC), m through another; "b" begins a round and "a" acknowledges it.
 */
async function trace(durability: string): Promise<string> {
  const log = join(tmpdir(), `dunlin-strace-${process.pid}`);
  // Ends by itself after the rounds that are looked at.
  const rounds = ['1', 'plain', String(COMMITS)];
  const node = [process.execPath, '--conditions=@dunlin/source', child, newDirectory(), durability, ...rounds];
  const [command, ...flags] = straceCommand(WANTED, log, node);
  spawnSync(command, flags, { stdio: 'ignore' });
  const calls = await readSystemCalls(log);
  rmSync(log, { force: true });
  let flushing = -1;
  const steps: { readonly at: number; readonly letter: string }[] = [];
  for (const { name, descriptor, target, parameters, bytes, began, ended, result } of calls) {
    const isDatabase = target.endsWith('/data.mdb');
    // What a round says counts from when it begins to say it, all else from when it is done.
    const told = name === 'write' && descriptor === 1 && /^([ab])\d+\n$/.exec(bytes.toString());
    if (told) steps.push({ at: began, letter: told[1] });
    else if (name === 'openat' && bytes.toString().endsWith('/data.mdb') && parameters.includes('O_DSYNC'))
      flushing = result;
    else if (isDatabase && name.includes('write'))
      steps.push({ at: ended, letter: descriptor === flushing ? 'M' : result === 128 ? 'm' : 'W' });
    else if ((isDatabase && name.includes('sync')) || name === 'msync') steps.push({ at: ended, letter: 'F' });
  }
  return steps
    .sort((a, b) => a.at - b.at)
    .map(({ letter }) => letter)
    .join('');
}

const options = { skip: missing('strace'), timeout: 60_000 };

test('answers in durable only after its pages were flushed, and then its meta page', options, async () => {
  const rounds = (await trace('durable')).split('b').slice(1);
  assert.equal(rounds.length, COMMITS);
  for (const round of rounds) assert.match(round, /^W+FMa$/);
});

test('answers in process when it is written, without a flush', options, async () => {
  const rounds = (await trace('process')).split('b').slice(1);
  assert.equal(rounds.length, COMMITS);
  for (const round of rounds) assert.match(round, /^W+ma$/);
});
