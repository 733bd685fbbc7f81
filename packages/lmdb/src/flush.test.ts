/** `durable` says what it means: no commit resolves before the flush that covers it. Read off the system calls. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { newDirectory } from './testing/directory.ts';

const COMMITS = 20;
const isMissing = spawnSync('strace', ['-V']).status !== 0;
const child = join(import.meta.dirname, 'testing/crash-child.ts');

/**
 * The system calls that matter, in the order they ended: W writes pages, F flushes them, M writes the meta page (its
 * 128 bytes that matter) through a descriptor that flushes by itself (O_DSYNC), m through another; "b" begins a round and "a" acknowledges it.
 */
function trace(durability: string): string {
  const log = join(tmpdir(), `dunlin-strace-${process.pid}`);
  const wanted = 'trace=openat,pwrite64,pwritev,writev,write,fdatasync,fsync,msync';
  // Killed by its own time limit, after the rounds that are looked at.
  const flags = ['-f', '-qq', '-y', '-s', '16', '-e', wanted, '-o', log, 'timeout', '-s', 'KILL', '4'];
  const node = [process.execPath, '--conditions=@dunlin/source', child, newDirectory(), durability, '1', 'plain'];
  spawnSync('strace', [...flags, ...node], { stdio: 'ignore' });
  const lines = readFileSync(log, 'utf8').split('\n');
  rmSync(log, { force: true });
  const unfinished = new Map<string, string>();
  let flushing = '';
  let calls = '';
  for (const line of lines) {
    const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? ['', '', ''];
    if (rest.endsWith('<unfinished ...>')) unfinished.set(thread, rest);
    const call = rest.startsWith('<... ') ? (unfinished.get(thread) ?? '') + rest : rest;
    // What a round says counts from when it begins to say it, all else from when it is done.
    const told = /^write\(1<[^>]*>, "([ab])\d+\\n"/.exec(rest);
    if (told) calls += told[1];
    if (rest.endsWith('<unfinished ...>')) continue;
    const opened = /^openat\(.*data\.mdb", .*O_DSYNC.*= (\d+)</.exec(call);
    if (opened) flushing = opened[1];
    const written = /^p?write(?:64|v)?\((\d+)<[^>]*data\.mdb>/.exec(call);
    if (written) calls += written[1] === flushing ? 'M' : / = 128$/.test(call) ? 'm' : 'W';
    if (/^(?:f(?:data)?sync\(\d+<[^>]*data\.mdb>|msync\()/.test(call)) calls += 'F';
  }
  return calls;
}

const options = { skip: isMissing && 'strace is missing', timeout: 60_000 };

test('answers in durable only after its pages were flushed, and then its meta page', options, () => {
  const rounds = trace('durable').split('b').slice(1, -1);
  assert.ok(rounds.length >= COMMITS, `${rounds.length} rounds`);
  for (const round of rounds) assert.match(round, /^W+FMa$/);
});

test('answers in process when it is written, without a flush', options, () => {
  const rounds = trace('process').split('b').slice(1, -1);
  assert.ok(rounds.length >= COMMITS, `${rounds.length} rounds`);
  for (const round of rounds) assert.match(round, /^W+ma$/);
});
