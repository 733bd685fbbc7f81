/** Nothing that was acknowledged is lost, and nothing is half there, when the process is killed at any moment. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROUNDS_KEPT, SESSIONS } from './testing/crash-child.ts';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { everything } from './testing/writes.ts';

/** For each durability; more where it is set: `LMDB_KILLS=100`. */
const KILLS = Number(process.env.LMDB_KILLS ?? 6);
const child = join(import.meta.dirname, 'testing/crash-child.ts');

/** Runs the child until it has acknowledged some rounds, then kills it. Returns the last round begun and acknowledged. */
function killed(directory: string, durability: string, first: number, rounds: number, delayMs: number) {
  const flags = ['--conditions=@dunlin/source', child, directory, durability, String(first)];
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
      const { store } = environment;
      const last = Number(String(store.retained.get('round')?.message.payload));
      assert.ok(last === acknowledged || last === begun, `round ${last}, acknowledged ${acknowledged}, begun ${begun}`);
      const rounds = Array.from({ length: Math.min(last, ROUNDS_KEPT) }, (_, index) => last - index).reverse();
      for (let session = 1; session <= SESSIONS; session++) {
        const stored = await store.queue(session, 0, 1_000);
        const shared = stored.filter(({ position }) => position % 2 === 0);
        assert.deepEqual(
          shared.map(({ position }) => position / 2),
          rounds,
        );
        for (const { position, message } of shared)
          assert.equal(String(message.payload), `${position / 2} `.repeat(400));
      }
      const passing = (await everything(store.sessions())).map(({ record }) => record.number).filter((n) => n > 100);
      assert.deepEqual(passing, [100 + last]);
      await environment.swept();
      const report = await environment.check();
      assert.deepEqual(report.problems, []);
      assert.deepEqual([report.bodies, report.garbage, report.sessions], [rounds.length, 0, SESSIONS + 1]);
      await environment.close();
      next = last + 1;
    }
  });
