/** Nothing that was acknowledged is lost, and nothing is half there, when the process is killed at any moment. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { lastWholeRound } from './testing/rounds.ts';

/** For each durability; more where it is set: `LMDB_KILLS=100`. */
const KILLS = Number(process.env.LMDB_KILLS ?? 6);
const child = join(import.meta.dirname, 'testing/crash-child.ts');

/** Runs the child until it has acknowledged some rounds, then kills it. Returns the last round begun and acknowledged. */
function killed(directory: string, durability: string, first: number, rounds: number, delayMs: number) {
  const flags = ['--conditions=@dunlin/source', child, directory, durability, String(first), 'passing'];
  const running = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  let acknowledged = first - 1;
  running.stdout.setEncoding('utf8');
  running.stdout.on('data', (data: string) => {
    told += data;
    const before = acknowledged;
    acknowledged = lastOf(told, 'a') ?? acknowledged;
    // The moment is a random one within a round.
    if (before < first + rounds && acknowledged >= first + rounds) setTimeout(() => running.kill('SIGKILL'), delayMs);
  });
  return new Promise<{ begun: number; acknowledged: number }>((resolve) => {
    running.once('close', () =>
      resolve({ begun: lastOf(told, 'b') ?? first - 1, acknowledged: lastOf(told, 'a') ?? first - 1 }),
    );
  });
}

function lastOf(told: string, letter: string): number | undefined {
  const found = told.split('\n').findLast((line) => line.startsWith(letter));
  return found === undefined ? undefined : Number(found.slice(1));
}

for (const durability of ['durable', 'process'] as const)
  test(`keeps whole batches, and every acknowledged one, when it is killed (${durability})`, async () => {
    const directory = newDirectory();
    let next = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const { begun, acknowledged } = await killed(directory, durability, next, 15, (kill * 7) % 11);
      const environment = await openEnvironment({ directory, durability });
      const last = await lastWholeRound(environment, acknowledged, begun);
      await environment.close();
      next = last + 1;
    }
  });
