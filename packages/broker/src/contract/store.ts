/** What every Store must do, as tests: call `storeContract` from the adapter's own test file. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../message.ts';
import type { QueuedRecord, SessionRecord, Store, StoredSession, SubscriptionRecord, Write } from '../ports.ts';
import { retainedOf, retainedTests } from './retained.ts';
import { sampleMessage } from './samples.ts';

export { allOf, RetainedWriter, retainedOf } from './retained.ts';

const positionsMany = 2_500;

function session(number: number, clientId = `client-${number}`): SessionRecord {
  return {
    number,
    clientId,
    username: `user of ${clientId}`,
    identity: `identity of ${clientId}`,
    sessionExpiryInterval: 0xffffffff,
    expiresAtMs: Infinity,
    sentUpTo: number * 1_000,
  };
}

function putSession(number: number): Write {
  return { op: 'putSession', session: session(number) };
}

function subscription(filter: string, identifier = 0): SubscriptionRecord {
  const replayUpTo = identifier === 0 ? undefined : 2 ** 40 + identifier;
  return { filter, qos: 1, noLocal: false, retainAsPublished: true, retainHandling: 2, identifier, replayUpTo };
}

function entry(position: number, text = `message ${position}`): QueuedRecord {
  return {
    position,
    message: sampleMessage('queue', text),
    qos: 2,
    retain: false,
    identifiers: [7, 9],
    share: undefined,
  };
}

function enqueue(number: number, position: number): Write {
  return { op: 'enqueue', session: number, entry: entry(position) };
}

function dequeue(number: number, position: number): Write {
  return { op: 'dequeue', session: number, entry: entry(position) };
}

async function everything<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function onlySession(store: Store): Promise<StoredSession> {
  const sessions = await everything(store.sessions());
  assert.equal(sessions.length, 1);
  return sessions[0];
}

async function positions(store: Store, number: number, after = 0, limit = 100_000): Promise<number[]> {
  return (await store.queue(number, after, limit)).map((stored) => stored.position);
}

function text(from: Message): string {
  return Buffer.from(from.payload).toString();
}

/**
 * Registers the tests of the contract under `name`.
 * @param open opens an empty store; each test closes what it opened.
 */
export function storeContract(name: string, open: () => Promise<Store>): void {
  function storeTest(title: string, run: (store: Store) => Promise<void>): void {
    test(title, async () => {
      const store = await open();
      try {
        await run(store);
      } finally {
        await store.close();
      }
    });
  }
  describe(`${name} keeps the contract of a Store`, () => {
    sessionTests(storeTest);
    queueTests(storeTest);
    queueSizeTests(storeTest);
    contentsTests(storeTest);
    retainedTests(storeTest);
  });
}

export type StoreTest = (title: string, run: (store: Store) => Promise<void>) => void;

function sessionTests(storeTest: StoreTest): void {
  storeTest('starts empty', async (store) => {
    assert.deepEqual(await everything(store.sessions()), []);
    assert.deepEqual(retainedOf(store), []);
    assert.deepEqual(await store.queue(1, 0, 10), []);
  });

  storeTest('returns every session once, as it was put last', async (store) => {
    await store.commit([putSession(1), putSession(2)]);
    const changed = {
      ...session(1),
      username: undefined,
      identity: undefined,
      sessionExpiryInterval: 60,
      expiresAtMs: 1_700_000_000_000,
      sentUpTo: 2 ** 40,
    };
    await store.commit([{ op: 'putSession', session: changed }]);
    const records = (await everything(store.sessions())).map((stored) => stored.record);
    assert.deepEqual(
      records.sort((a, b) => a.number - b.number),
      [changed, session(2)],
    );
  });

  storeTest('keeps the subscriptions of a session, the later of one filter', async (store) => {
    await store.commit([
      putSession(1),
      { op: 'putSubscription', session: 1, subscription: subscription('a/+') },
      { op: 'putSubscription', session: 1, subscription: subscription('$share/g/b') },
      { op: 'putSubscription', session: 1, subscription: subscription('a/+', 42) },
      { op: 'putSubscription', session: 1, subscription: subscription('gone') },
      { op: 'deleteSubscription', session: 1, filter: 'gone' },
      { op: 'deleteSubscription', session: 1, filter: 'never there' },
    ]);
    const { subscriptions } = await onlySession(store);
    assert.deepEqual(
      [...subscriptions].sort((a, b) => a.identifier - b.identifier),
      [subscription('$share/g/b'), subscription('a/+', 42)],
    );
  });

  storeTest('keeps the identifiers of unfinished QoS 2 messages', async (store) => {
    const received = (op: 'putReceived' | 'deleteReceived', packetId: number): Write => ({ op, session: 1, packetId });
    await store.commit([putSession(1), received('putReceived', 65_535), received('putReceived', 1)]);
    await store.commit([received('putReceived', 2), received('deleteReceived', 1)]);
    assert.deepEqual([...(await onlySession(store)).received].sort(), [2, 65_535]);
  });

  storeTest('keeps the will of a session until it is deleted', async (store) => {
    const will = {
      message: sampleMessage('will', 'gone'),
      delayInterval: 5,
      messageExpiryInterval: 9,
      dueAtMs: 1_700_000_000_000,
      owner: '{"username":"añaé"}',
    };
    await store.commit([putSession(1), { op: 'putWill', session: 1, will: { ...will, dueAtMs: 0, owner: undefined } }]);
    await store.commit([{ op: 'putWill', session: 1, will }]);
    const kept = (await onlySession(store)).will;
    assert.deepEqual({ ...kept, message: undefined }, { ...will, message: undefined });
    assert.equal(kept && text(kept.message), 'gone');
    await store.commit([{ op: 'deleteWill', session: 1 }]);
    assert.equal((await onlySession(store)).will, undefined);
  });

  storeTest('deletes a session with all that is its own and nothing of another', async (store) => {
    const will = {
      message: sampleMessage('will'),
      delayInterval: 5,
      messageExpiryInterval: undefined,
      dueAtMs: 0,
      owner: undefined,
    };
    for (const number of [1, 2])
      await store.commit([
        putSession(number),
        { op: 'putSubscription', session: number, subscription: subscription('a') },
        { op: 'putReceived', session: number, packetId: 3 },
        { op: 'putWill', session: number, will },
        enqueue(number, 1),
      ]);
    await store.commit([{ op: 'deleteSession', session: 1 }]);
    const other = await onlySession(store);
    assert.equal(other.record.number, 2);
    assert.deepEqual(other.subscriptions, [subscription('a')]);
    assert.deepEqual(other.received, [3]);
    assert.ok(other.will);
    assert.deepEqual(await positions(store, 1), []);
    assert.deepEqual(await positions(store, 2), [1]);
  });

  storeTest('takes deletions for a session that is gone', async (store) => {
    await store.commit([
      { op: 'deleteWill', session: 9 },
      { op: 'deleteReceived', session: 9, packetId: 1 },
      { op: 'deleteSubscription', session: 9, filter: 'a' },
      { op: 'deleteSession', session: 9 },
    ]);
    assert.deepEqual(await everything(store.sessions()), []);
  });
}

function queueTests(storeTest: StoreTest): void {
  storeTest('returns queued messages with all that belongs to them', async (store) => {
    const shared: QueuedRecord = { ...entry(2), qos: 1, retain: true, identifiers: [], share: '$share/g/queue' };
    await store.commit([putSession(1), enqueue(1, 1), { op: 'enqueue', session: 1, entry: shared }]);
    const stored = await store.queue(1, 0, 10);
    assert.deepEqual(
      stored.map(({ message: _, ...rest }) => rest),
      [
        { position: 1, qos: 2, retain: false, identifiers: [7, 9], share: undefined, released: false },
        { position: 2, qos: 1, retain: true, identifiers: [], share: '$share/g/queue', released: false },
      ],
    );
    assert.deepEqual(
      stored.map((one) => text(one.message)),
      ['message 1', 'message 2'],
    );
    assert.equal(stored[0].message.topic.name, 'queue');
  });

  storeTest('returns pages in order, above a position', async (store) => {
    await store.commit([putSession(1), ...[1, 2, 5, 6, 7].map((position) => enqueue(1, position))]);
    assert.deepEqual(await positions(store, 1, 0, 2), [1, 2]);
    assert.deepEqual(await positions(store, 1, 2, 2), [5, 6]);
    assert.deepEqual(await positions(store, 1, 3, 2), [5, 6]);
    assert.deepEqual(await positions(store, 1, 6, 2), [7]);
    assert.deepEqual(await positions(store, 1, 7, 2), []);
  });

  storeTest('removes messages anywhere in the queue', async (store) => {
    await store.commit([putSession(1), ...[1, 2, 3, 4].map((position) => enqueue(1, position))]);
    await store.commit([dequeue(1, 3), dequeue(1, 1)]);
    assert.deepEqual(await positions(store, 1), [2, 4]);
    await store.commit([dequeue(1, 2), dequeue(1, 4), enqueue(1, 5)]);
    assert.deepEqual(await positions(store, 1), [5]);
  });

  storeTest('remembers that a message was received, not beyond its end', async (store) => {
    await store.commit([putSession(1), enqueue(1, 1), enqueue(1, 2), { op: 'release', session: 1, entry: entry(1) }]);
    assert.deepEqual(
      (await store.queue(1, 0, 10)).map((stored) => stored.released),
      [true, false],
    );
    await store.commit([dequeue(1, 1)]);
    assert.deepEqual(
      (await store.queue(1, 0, 10)).map((stored) => stored.released),
      [false],
    );
  });
}

function queueSizeTests(storeTest: StoreTest): void {
  storeTest('pages through a long queue with large gaps', async (store) => {
    await store.commit([putSession(1)]);
    const expected: number[] = [];
    const batch: Write[] = [];
    for (let position = 1; expected.length < positionsMany; position += expected.length % 500 === 0 ? 70_000 : 1) {
      expected.push(position);
      batch.push(enqueue(1, position));
    }
    await store.commit(batch);
    const read: number[] = [];
    for (let pages = 0; pages <= positionsMany / 100; pages++)
      read.push(...(await positions(store, 1, read.at(-1), 100)));
    assert.deepEqual(read, expected);
  });

  storeTest('keeps the first message of a queue whose others all went', async (store) => {
    await store.commit([putSession(1), enqueue(1, 1)]);
    for (let position = 2; position <= positionsMany; position++)
      await store.commit([enqueue(1, position), dequeue(1, position)]);
    assert.deepEqual(await positions(store, 1), [1]);
    await store.commit([enqueue(1, positionsMany + 1)]);
    assert.deepEqual(await positions(store, 1), [1, positionsMany + 1]);
  });

  storeTest('knows what a queue holds without reading it', async (store) => {
    const held = (...positions: number[]) =>
      positions.reduce((sum, position) => sum + entry(position).message.heldBytes, 0);
    const summary = async () => (await onlySession(store)).queue;
    await store.commit([putSession(1)]);
    assert.deepEqual(await summary(), { messages: 0, bytes: 0, shares: 0, lastPosition: 0 });
    const shared: QueuedRecord = { ...entry(9), share: '$share/g/queue' };
    await store.commit([enqueue(1, 1), enqueue(1, 5), { op: 'enqueue', session: 1, entry: shared }]);
    assert.deepEqual(await summary(), { messages: 3, bytes: held(1, 5, 9), shares: 1, lastPosition: 9 });
    await store.commit([dequeue(1, 1), enqueue(1, 10), { op: 'dequeue', session: 1, entry: shared }, dequeue(1, 10)]);
    const { lastPosition, ...rest } = await summary();
    assert.deepEqual(rest, { messages: 1, bytes: held(5), shares: 0 });
    // It may be the highest ever: what matters is that new positions are above it.
    assert.ok(lastPosition >= 5);
    await store.commit([{ op: 'release', session: 1, entry: entry(5) }]);
    assert.deepEqual((await summary()).messages, 1);
    await store.commit([dequeue(1, 5)]);
    const empty = await summary();
    assert.deepEqual([empty.messages, empty.bytes, empty.shares], [0, 0, 0]);
  });

  storeTest('does not mix the queues of sessions', async (store) => {
    await store.commit([putSession(1), putSession(2), putSession(256), enqueue(1, 1), enqueue(2, 5), enqueue(256, 3)]);
    assert.deepEqual(await positions(store, 1), [1]);
    assert.deepEqual(await positions(store, 2), [5]);
    assert.deepEqual(await positions(store, 256), [3]);
  });
}

function contentsTests(storeTest: StoreTest): void {
  storeTest('says how much room it has', async (store) => {
    assert.ok((await store.freeBytes()) > 0);
  });

  storeTest('says in short what it has', async (store) => {
    const retained = { messages: 0, bytes: 0, lastSequence: 0 };
    assert.deepEqual(await store.contents(), { lastSession: 0, retained });
    await store.commit([putSession(3), putSession(12)]);
    assert.deepEqual(await store.contents(), { lastSession: 12, retained });
    await store.commit([{ op: 'deleteSession', session: 3 }]);
    assert.deepEqual(await store.contents(), { lastSession: 12, retained });
  });
}
