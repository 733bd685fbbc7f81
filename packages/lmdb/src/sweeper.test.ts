import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Write } from '@dunlin/broker';
import { Bodies } from './bodies.ts';
import type { Database } from './database.ts';
import { Sweeper } from './sweeper.ts';
import { openEnvironment } from './testing/directory.ts';
import { enqueue, everything, message, putSession, putSubscription } from './testing/writes.ts';

const ENTRIES = 100_000;

async function fill(environment: Awaited<ReturnType<typeof openEnvironment>>, entries: number): Promise<void> {
  const { store } = environment;
  await store.commit([
    putSession(1),
    putSession(2),
    putSubscription(1, 'a/#'),
    { op: 'putReceived', session: 1, packetId: 5 },
  ]);
  for (let position = 1; position <= entries; position += 10_000) {
    const batch: Write[] = [];
    for (let next = position; next < position + 10_000; next++) {
      const said = message('a', next % 100 === 0 ? 'x'.repeat(2_000) : 'x');
      batch.push(enqueue(1, next, said));
      // Some are shared with a session that stays.
      if (next % 100 === 0) batch.push(enqueue(2, next, said));
    }
    await store.commit(batch);
  }
}

test('deletes a session with a long queue at once, and what it left in slices', async () => {
  const environment = await openEnvironment();
  const { store } = environment;
  await fill(environment, ENTRIES);
  await store.commit([{ op: 'deleteSession', session: 1 }]);
  assert.deepEqual(
    (await everything(store.sessions())).map(({ record }) => record.number),
    [2],
  );
  assert.deepEqual(await store.queue(1, 0, 10), []);
  // Others go on meanwhile: many commits pass before all is swept.
  let commits = 0;
  for (; (await environment.stats()).sessionsToSweep > 0; commits++) await store.commit([putSession(3)]);
  assert.ok(commits > 20, `${commits} commits`);
  await environment.swept();
  const report = await environment.check();
  assert.deepEqual([report.queued, report.bodies, report.garbage, report.problems], [1_000, 1_000, 0, []]);
  assert.deepEqual((await store.queue(2, 0, 1_000)).length, 1_000);
});

test('goes on sweeping after a restart', async () => {
  const environment = await openEnvironment();
  await fill(environment, 20_000);
  await environment.store.commit([{ op: 'deleteSession', session: 1 }]);
  await environment.close();
  const again = await openEnvironment({ directory: environment.directory });
  const before = await again.check();
  assert.ok(before.queued > 200 && before.garbage === 1, JSON.stringify(before));
  assert.deepEqual(before.problems, []);
  await again.swept();
  const report = await again.check();
  assert.deepEqual([report.queued, report.bodies, report.garbage, report.problems], [200, 200, 0, []]);
});

test('sweeps sessions that come and go within one batch', async () => {
  const environment = await openEnvironment();
  await environment.store.commit([
    putSession(1),
    putSubscription(1, 'a'),
    enqueue(1, 1, message('a')),
    { op: 'deleteSession', session: 1 },
    enqueue(1, 2, message('a')),
    putSession(2),
  ]);
  await environment.swept();
  const report = await environment.check();
  assert.deepEqual([report.sessions, report.queued, report.subscriptions, report.garbage], [1, 0, 0, 0]);
});

test('sweeps what comes at the very moment when it ends', async () => {
  // As a commit that is over together with the last slice.
  for (let moment = 0; moment < 30; moment++) {
    let slices = 0;
    const late = async () => {
      for (let turn = 0; turn < moment; turn++) await undefined;
      sweeper.add([2]);
    };
    const transaction = () => {
      slices += 1;
      if (slices === 1) void late();
      return Promise.resolve();
    };
    const database = { get: () => undefined, range: () => [], transaction } as unknown as Database;
    const sweeper = new Sweeper(database, new Bodies(database));
    sweeper.add([1]);
    while (slices === 0) await new Promise((resolve) => setImmediate(resolve));
    await sweeper.finished();
    assert.deepEqual([sweeper.pending, slices], [0, 2], `after ${moment} microtasks`);
  }
});

test('tells once that it can remove no more, and why', async () => {
  const failure = new Error('the disk is gone');
  const told: unknown[] = [];
  const transaction = () => Promise.reject(failure);
  const database = { get: () => undefined, range: () => [], transaction } as unknown as Database;
  const sweeper = new Sweeper(database, new Bodies(database), (error) => told.push(error));
  sweeper.add([1]);
  await sweeper.finished();
  sweeper.add([2]);
  await sweeper.finished();
  assert.deepEqual([told, sweeper.failure], [[failure], failure]);
});
