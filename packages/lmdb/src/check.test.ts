import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetainedWriter } from '@dunlin/broker/contract/store';
import type { Chunk } from './chunks.ts';
import { dataFile } from './data-directory.ts';
import { Database, type Transaction } from './database.ts';
import { deadlineKey, Key, retainedKey, SessionPart, Tag, textHash } from './keys.ts';
import { openEnvironment } from './testing/directory.ts';
import { enqueue, message, putSession, putSubscription } from './testing/writes.ts';
import { encodeDeadline, encodePresence, encodeReferences, encodeRetainedSummary, encodeSummary } from './values.ts';

const key = new Key();
let body = 0;

/** A store with one of each, closed. */
async function sample(): Promise<string> {
  const environment = await openEnvironment();
  const writer = new RetainedWriter();
  const large = message('a', 'x'.repeat(5_000));
  const will = {
    message: message('w'),
    delayInterval: 0,
    messageExpiryInterval: undefined,
    dueAtMs: 0,
    owner: undefined,
  };
  await environment.store.commit([
    putSession(1),
    putSession(2),
    putSubscription(1, 'a/b'),
    putSubscription(1, 'x'.repeat(2_000)),
    { op: 'putWill', session: 1, will },
    { op: 'putReceived', session: 1, packetId: 1 },
    enqueue(1, 1, large, 2),
    enqueue(2, 1, large),
    { op: 'release', session: 1, entry: { ...enqueueEntry(large) } },
    writer.put('a/b'),
    writer.put('y'.repeat(3_000)),
    writer.put('expires', 'x', 5_000),
  ]);
  await environment
    .table<{ name: string }>({ name: 'users', indexes: { name: (value) => [value.name] } })
    .put('k', { name: 'n' });
  body = large.storeTag;
  await environment.close();
  return environment.directory;
}

function enqueueEntry(said: ReturnType<typeof message>) {
  return { position: 1, message: said, qos: 2 as const, retain: false, identifiers: [], share: undefined };
}

function bytes(transaction: Transaction, ...value: number[]): Chunk {
  const chunk = transaction.room(value.length);
  chunk.bytes.set(value, chunk.used);
  chunk.start = chunk.used;
  chunk.used += value.length;
  chunk.end = chunk.used;
  return chunk;
}

async function problemsAfter(change: (transaction: Transaction) => void): Promise<readonly string[]> {
  const directory = await sample();
  const database = new Database({ path: dataFile(directory), flush: false, mapBytes: 1024 ** 2 });
  await database.transaction(change);
  await database.close();
  const environment = await openEnvironment({ directory });
  const { problems } = await environment.check();
  await environment.close();
  return problems;
}

test('counts what there is, and finds nothing wrong with it', async () => {
  const environment = await openEnvironment({ directory: await sample() });
  assert.deepEqual(await environment.check(), {
    sessions: 2,
    subscriptions: 2,
    queued: 2,
    bodies: 1,
    retained: 3,
    tableRecords: 1,
    garbage: 0,
    problems: [],
  });
});

test('finds each kind of damage and names the key', async () => {
  const damages: [RegExp, (transaction: Transaction) => void][] = [
    [/^Cannot read queue of session 1 .*ends after 2 bytes/, (t) => t.put(key.queueEntry(1, 1), bytes(t, 1, 0))],
    [
      /^Cannot read session of session 1 .*says .*the queue holds/,
      (t) =>
        t.put(
          key.sessionPart(1, SessionPart.summary),
          encodeSummary(t, { messages: 9, bytes: 1, shares: 0, lastPosition: 1 }),
        ),
    ],
    [/summary|is missing/, (t) => t.remove(key.sessionPart(2, SessionPart.summary))],
    [/session record is missing/, (t) => t.remove(key.sessionPart(1, SessionPart.record))],
    [/refers to body \d+, which is missing/, (t) => t.remove(key.numbered(Tag.body, body))],
    [/counts 7 entries, there are 2/, (t) => t.put(key.numbered(Tag.bodyReferences, body), encodeReferences(t, 7))],
    [/has no count of its entries/, (t) => t.remove(key.numbered(Tag.bodyReferences, body))],
    [
      /a queue of session 9 is there, but no such session/,
      (t) => t.put(key.queueEntry(9, 1), bytes(t, 1, 0, 1, 1, 0, 1, 0x61)),
    ],
    [/was received, but is not queued/, (t) => t.put(key.released(2, 5), encodePresence(t))],
    [
      /^Cannot read retained "a\\u0000b": it begins with version 9/,
      (t) => t.put(retainedKey(key, Buffer.from('a/b'), 0, textHash), bytes(t, 9)),
    ],
    [
      /^Cannot read retained "yyy/,
      (t) => t.put(retainedKey(key, Buffer.from('y'.repeat(3_000)), 0, textHash), bytes(t, 1, 200)),
    ],
    [
      /^Cannot read retainedSummary .*says .*"messages":9.*there are .*"messages":3/,
      (t) => t.put(key.tag(Tag.retainedSummary), encodeRetainedSummary(t, { messages: 9, bytes: 1, lastSequence: 3 })),
    ],
    [/retainedSummary .*it is missing/, (t) => t.remove(key.tag(Tag.retainedSummary))],
    [/^Cannot read retained "expires": its deadline is not in the index/, (t) => t.remove(deadlineKey(key, 5_000, 3))],
    [
      /^Cannot read retainedDeadline of moment 7000 .*"a\/b", which does not expire then/,
      (t) => t.put(deadlineKey(key, 7_000, 1), encodeDeadline(t, Buffer.from('a/b'))),
    ],
    [/leads to a record that is missing/, (t) => t.remove({ bytes: Buffer.from('`users\0k'), length: 8 } as Key)],
    [/is of no known kind/, (t) => t.put({ bytes: Buffer.of(0x77, 1), length: 2 } as Key, encodePresence(t))],
  ];
  for (const [expected, change] of damages) {
    const problems = await problemsAfter(change);
    assert.ok(
      problems.some((problem) => expected.test(problem)),
      `${expected}: ${problems.join('\n')}`,
    );
  }
});

test('sees one moment, whatever is written meanwhile', async () => {
  const environment = await openEnvironment();
  const { store } = environment;
  await store.commit(Array.from({ length: 3_000 }, (_, index) => putSession(index + 1)));
  const checked = environment.check();
  let isDone = false;
  void checked.then(() => {
    isDone = true;
  });
  for (let position = 1; !isDone; position++) {
    const said = message('a', 'x'.repeat(3_000));
    await store.commit([1, 1_500, 3_000].map((session) => enqueue(session, position, said)));
  }
  assert.deepEqual((await checked).problems, []);
});
