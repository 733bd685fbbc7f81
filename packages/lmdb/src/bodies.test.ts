import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import type { Write } from '@dunlin/broker';
import { dataFile } from './data-directory.ts';
import { openEnvironment } from './testing/directory.ts';
import { dequeue, enqueue, message, putSession } from './testing/writes.ts';

const LARGE = 10_240;

function forSessions(count: number, write: (session: number) => Write): Write[] {
  return Array.from({ length: count }, (_, index) => write(index + 1));
}

test('stores a message for a thousand sessions once, and none of it when all have it', async () => {
  const environment = await openEnvironment();
  const { store, directory } = environment;
  const size = () => statSync(dataFile(directory)).size;
  await store.commit(forSessions(1_000, putSession));
  const before = size();
  const large = message('a', Buffer.alloc(LARGE, 1));
  await store.commit(forSessions(1_000, (session) => enqueue(session, 1, large)));
  const added = size() - before;
  // A thousand entries, a thousand summaries, copied pages, and 10 KB; apart they would take more than 10 MB.
  assert.ok(added < 600_000, `${added} bytes on disk`);
  assert.deepEqual((await environment.check()).bodies, 1);
  const [found] = await store.queue(1_000, 0, 1);
  assert.equal(found.message.payloadLength, LARGE);
  await store.commit(forSessions(999, (session) => dequeue(session, 1, large)));
  assert.deepEqual((await environment.check()).bodies, 1);
  // As a broker after a restart would say it: with the message as it was read.
  await store.commit([dequeue(1_000, 1, found.message)]);
  const report = await environment.check();
  assert.deepEqual([report.bodies, report.queued, report.problems], [0, 0, []]);
});

test('keeps a message inline where it is for one queue, or so small that it saves nothing', async () => {
  const environment = await openEnvironment();
  await environment.store.commit([
    ...forSessions(3, putSession),
    enqueue(1, 1, message('a', Buffer.alloc(LARGE))),
    ...forSessions(3, (session) => enqueue(session, 2, message('a', 'small'))),
  ]);
  assert.equal((await environment.check()).bodies, 0);
});

test('goes on as it began with a message: inline once, inline always', async () => {
  const environment = await openEnvironment();
  const { store } = environment;
  const retained = message('a', 'x'.repeat(3_000));
  await store.commit([...forSessions(3, putSession), enqueue(1, 1, retained)]);
  await store.commit(forSessions(3, (session) => enqueue(session, 2, retained)));
  await store.commit([dequeue(1, 1, retained), dequeue(1, 2, retained), dequeue(2, 2, retained)]);
  assert.equal((await store.queue(3, 0, 1))[0].message.payloadLength, 3_000);
  assert.deepEqual((await environment.check()).problems, []);
});

test('writes a body again that was gone when its message is queued once more', async () => {
  const environment = await openEnvironment();
  const { store } = environment;
  const retained = message('a', 'x'.repeat(3_000));
  await store.commit([...forSessions(3, putSession), enqueue(1, 1, retained), enqueue(2, 1, retained)]);
  await store.commit([dequeue(1, 1, retained), dequeue(2, 1, retained)]);
  assert.equal((await environment.check()).bodies, 0);
  await store.commit([enqueue(3, 1, retained)]);
  assert.equal((await store.queue(3, 0, 1))[0].message.payloadLength, 3_000);
  // Down to nothing and up again within one batch.
  await store.commit([dequeue(3, 1, retained), enqueue(1, 2, retained)]);
  assert.equal((await store.queue(1, 0, 1))[0].message.payloadLength, 3_000);
  const report = await environment.check();
  assert.deepEqual([report.bodies, report.problems], [1, []]);
});

test('does not mistake a message of another store for one of its own', async () => {
  const [left, right] = [await openEnvironment(), await openEnvironment()];
  const write = (name: string) => {
    const said = message('a', name.repeat(3_000));
    return { said, enqueues: forSessions(2, (session) => enqueue(session, 1, said)) };
  };
  const ofLeft = write('l');
  const ofRight = write('r');
  await left.store.commit([...forSessions(2, putSession), ...ofLeft.enqueues]);
  await right.store.commit([...forSessions(2, putSession), ...ofRight.enqueues]);
  await right.store.commit([enqueue(1, 2, ofLeft.said)]);
  const stored = await right.store.queue(1, 0, 9);
  assert.deepEqual(
    stored.map((one) => String(one.message.payload)[0]),
    ['r', 'l'],
  );
  await right.store.commit([dequeue(1, 2, ofLeft.said), dequeue(1, 1, ofRight.said)]);
  assert.deepEqual((await right.check()).problems, []);
  assert.equal((await left.store.queue(1, 0, 9)).length, 1);
});

test('never gives a number again after a restart', async () => {
  const first = await openEnvironment();
  const enqueues = (position: number) => {
    const said = message('a', 'x'.repeat(3_000));
    return { said, writes: forSessions(2, (session) => enqueue(session, position, said)) };
  };
  const one = enqueues(1);
  await first.store.commit([...forSessions(2, putSession), ...one.writes]);
  await first.close();
  const second = await openEnvironment({ directory: first.directory });
  const two = enqueues(2);
  await second.store.commit(two.writes);
  assert.ok(two.said.storeTag > one.said.storeTag && one.said.storeTag > 0);
});
