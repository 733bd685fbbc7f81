import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetainedWriter, retainedOf, storeContract } from '@dunlin/broker/contract/store';
import { openEnvironment } from './testing/directory.ts';
import { dequeue, enqueue, everything, message, putSession } from './testing/writes.ts';

for (const durability of ['process', 'durable'] as const)
  storeContract(`LmdbStore (${durability})`, async () => (await openEnvironment({ durability })).store);

test('finds after a restart what was committed', async () => {
  const { directory, store, close } = bound(await openEnvironment());
  const queued = message('a/b', 'x'.repeat(300));
  await store.commit([putSession(1), putSession(2), enqueue(1, 1, queued), enqueue(1, 2, message('c'))]);
  await store.commit([new RetainedWriter().put('a/b', 'kept')]);
  await store.commit([dequeue(1, 1, queued)]);
  await close();
  const again = bound(await openEnvironment({ directory }));
  assert.deepEqual(
    (await again.store.queue(1, 0, 10)).map((found) => [found.position, found.message.topic.name]),
    [[2, 'c']],
  );
  assert.deepEqual(
    (await everything(again.store.sessions())).map(({ record }) => record.number),
    [1, 2],
  );
  assert.deepEqual(retainedOf(again.store), [['a/b', 'kept']]);
  assert.deepEqual((await again.check()).problems, []);
});

test('returns messages with all that was said', async () => {
  const { store } = bound(await openEnvironment());
  const said = message('tä/€', 'payload');
  Object.assign(said, { expiresAtMs: 1_700_000_000_123, properties: Buffer.from([1, 1]), publisher: 'ä'.repeat(60) });
  await store.commit([putSession(1), enqueue(1, 7, said, 2)]);
  const [{ message: found }] = await store.queue(1, 0, 1);
  assert.deepEqual(
    [found.topic.name, found.qos, found.retain, found.publisher, found.expiresAtMs, [...found.properties]],
    ['tä/€', 1, true, 'ä'.repeat(60), 1_700_000_000_123, [1, 1]],
  );
  assert.equal(found.heldBytes, said.heldBytes);
  assert.ok(found.owned);
});

test('refuses what it cannot store before it has written anything', async () => {
  const { store, check } = bound(await openEnvironment());
  const write = () => store.commit([putSession(1), enqueue(1, 2 ** 48, message('a'))]);
  assert.throws(write, /Cannot store position 281474976710656: numbers go from 0 to 281474976710655/);
  assert.deepEqual(await everything(store.sessions()), []);
  await store.commit([putSession(2)]);
  assert.deepEqual((await check()).problems, []);
});

test('ends a page of large messages early, and goes on from there', async () => {
  const { store } = bound(await openEnvironment());
  const large = Buffer.alloc(1_500_000, 1);
  await store.commit([putSession(1), ...[1, 2, 3, 4, 5].map((position) => enqueue(1, position, message('a', large)))]);
  const first = await store.queue(1, 0, 100);
  assert.deepEqual(
    first.map(({ position }) => position),
    [1, 2, 3],
  );
  assert.deepEqual(
    (await store.queue(1, 3, 100)).map(({ position }) => position),
    [4, 5],
  );
});

/** Methods that can be taken apart. */
function bound(environment: Awaited<ReturnType<typeof openEnvironment>>) {
  const { directory, store } = environment;
  return { directory, store, close: () => environment.close(), check: () => environment.check() };
}
