import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sampleMessage } from './contract/samples.ts';
import { GroupCommit } from './group-commit.ts';
import { type Limits, resolveLimits } from './limits.ts';
import { MemoryStore } from './memory/store.ts';
import { Message, retainedBytes } from './message.ts';
import { createMetrics } from './metrics.ts';
import type { RetainedReader, Store } from './ports.ts';
import { RetainedMessages } from './retained.ts';
import type { RetainedWalk } from './retained-walk.ts';
import { HeldStore } from './testing/store.ts';

/** Retained messages over a store, and what a broker has beside them. */
function over(store: Store = new MemoryStore(), limits: Partial<Limits> = {}) {
  const failures: unknown[] = [];
  const owner = {
    beginTurn: () => undefined,
    storeFailed: (error: unknown) => failures.push(error),
    internalError: (error: unknown) => assert.fail(String(error)),
  };
  const metrics = createMetrics();
  const commits = new GroupCommit(store, metrics, owner);
  const retained = new RetainedMessages(resolveLimits(limits), store, commits, metrics);
  return { retained, commits, metrics, failures, endOfTurn: () => commits.endOfTurn() };
}

async function letThrough(store: HeldStore): Promise<void> {
  store.letThrough();
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

function topicsOf(walk: RetainedWalk): string[] {
  const found: string[] = [];
  for (let i = 0; i < 1_000 && !walk.isDone; i++) {
    const retained = walk.next(10);
    if (retained !== undefined) found.push(`${retained.message.topic.name} ${retained.message.payload}`);
  }
  assert.ok(walk.isDone);
  return found.sort();
}

function expiring(topic: string, expiresAtMs: number): Message {
  return Message.of(sampleMessage(topic).topic, Buffer.from('x'), {
    retain: true,
    properties: { messageExpiryInterval: expiresAtMs / 1_000 },
  });
}

test('keeps the last message of each topic, with its count and bytes [MQTT-3.3.1-5]', () => {
  const { retained, endOfTurn } = over();
  const [a, b, newer] = [sampleMessage('a', '1'), sampleMessage('b', '22'), sampleMessage('a', '333')];
  for (const message of [a, b, newer]) retained.set(message);
  assert.deepEqual([retained.count, retained.bytes], [2, retainedBytes(b) + retainedBytes(newer)]);
  assert.equal(retained.get('a'), newer);
  retained.delete('a');
  retained.delete('a');
  retained.delete('never there');
  assert.deepEqual([retained.count, retained.bytes, retained.get('a')], [1, retainedBytes(b), undefined]);
  endOfTurn();
  assert.deepEqual([retained.count, retained.bytes, retained.get('a')], [1, retainedBytes(b), undefined]);
  assert.deepEqual(topicsOf(retained.walk('#')), ['b 22']);
});

test('goes on from what the store says: count, bytes and the number of the last change', () => {
  const store = new MemoryStore();
  const former = over(store);
  for (const topic of ['a', 'b']) former.retained.set(sampleMessage(topic));
  former.endOfTurn();
  const { retained } = over(store);
  retained.restore(store.contents().retained);
  assert.deepEqual([retained.count, retained.bytes], [former.retained.count, former.retained.bytes]);
  assert.equal(retained.sequence, former.retained.sequence);
});

test('has room for a replacement where it has none for another topic', () => {
  const { retained } = over(undefined, { retainedMessagesMax: 1 });
  retained.set(sampleMessage('a'));
  assert.deepEqual(
    [retained.hasRoomFor(sampleMessage('a', 'new')), retained.hasRoomFor(sampleMessage('b'))],
    [true, false],
  );
});

test('holds retainedBytesMax, also where a small message is replaced by a large one', () => {
  const { retained } = over(undefined, { retainedBytesMax: 1_000 });
  retained.set(sampleMessage('a', 'x'));
  assert.equal(retained.hasRoomFor(sampleMessage('b', 'x'.repeat(2_000))), false);
  assert.equal(retained.hasRoomFor(sampleMessage('a', 'x'.repeat(2_000))), false);
  assert.equal(retained.hasRoomFor(sampleMessage('a', 'x'.repeat(500))), true);
});

test('keeps what the broker says of itself out of the store, and from other filters', () => {
  const store = new HeldStore();
  const { retained, endOfTurn } = over(store);
  retained.set(sampleMessage('$SYS/a', 'x'));
  endOfTurn();
  assert.deepEqual([retained.mayMatch('$SYS/#'), retained.mayMatch('#')], [true, false]);
  assert.deepEqual(topicsOf(retained.walk('$SYS/#')), ['$SYS/a x']);
  assert.deepEqual(topicsOf(retained.walk('#')), []);
  assert.equal(retained.count, 1);
  retained.delete('$SYS/a');
  endOfTurn();
  assert.deepEqual([retained.count, retained.get('$SYS/a'), store.batches.length], [0, undefined, 0]);
});

test('says what a topic has while that is on its way into the store, and after', async () => {
  const store = new HeldStore();
  const { retained, endOfTurn } = over(store);
  const payloads = () => ['a', 'b'].map((topic) => retained.get(topic)?.payload.toString());
  retained.set(sampleMessage('a', '1'));
  retained.set(sampleMessage('b', '1'));
  endOfTurn();
  assert.deepEqual(payloads(), ['1', '1']);
  retained.set(sampleMessage('a', '2'));
  retained.delete('b');
  assert.deepEqual(payloads(), ['2', undefined]);
  await letThrough(store);
  assert.deepEqual(payloads(), ['2', undefined]);
  await letThrough(store);
  assert.deepEqual([payloads(), retained.count], [['2', undefined], 1]);
  assert.deepEqual(
    store.batches.flat().map((write) => [write.op, 'former' in write && write.former !== undefined]),
    [
      ['putRetained', false],
      ['putRetained', false],
      ['putRetained', true],
      ['deleteRetained', false],
    ],
  );
});

test('begins a walk when what was there at its beginning is durable', async () => {
  const store = new HeldStore();
  const { retained, endOfTurn } = over(store);
  retained.set(sampleMessage('a', '1'));
  endOfTurn();
  retained.set(sampleMessage('b', '1'));
  const walk = retained.walk('+');
  retained.set(sampleMessage('c', 'too late'));
  await letThrough(store);
  assert.deepEqual([walk.isReady, walk.isDone, walk.next(10)], [false, false, undefined]);
  endOfTurn();
  await letThrough(store);
  assert.equal(walk.isReady, true);
  assert.deepEqual(
    topicsOf(walk).filter((one) => !one.startsWith('c')),
    ['a 1', 'b 1'],
  );
});

test('begins a walk as soon as that is durable, whoever is told of it first', async () => {
  const store = new HeldStore();
  const { retained, commits, endOfTurn } = over(store);
  let walk: RetainedWalk | undefined;
  const found: string[] = [];
  commits.wait({ durable: () => void found.push(...topicsOf(walk as RetainedWalk)) });
  retained.set(sampleMessage('a', '1'));
  walk = retained.walk('+');
  endOfTurn();
  await letThrough(store);
  assert.deepEqual(found, ['a 1']);
});

const TOPICS = ['t/0', 't/1', 't/2', 't/3'];
const topicNumber = fc.nat(TOPICS.length - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constantFrom('put' as const, 'delete' as const), number: topicNumber }) },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constantFrom('endOfTurn' as const, 'letThrough' as const, 'begin' as const),
      number: topicNumber,
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('next' as const), number: topicNumber }) },
);

/** A walk, with what there was at its beginning: the numbers of the messages by topic. */
interface Begun {
  readonly walk: RetainedWalk;
  readonly sequence: number;
  readonly atBegin: ReadonlyMap<string, number>;
  readonly came: string[];
}

/** Takes what a walk has next. It must be true now; the replay passes over what is newer than the beginning. */
function take({ walk, sequence, came }: Begun, now: ReadonlyMap<string, number>): void {
  const found = walk.next(2);
  if (found === undefined || found.sequence > sequence) return;
  assert.equal(now.get(found.message.topic.name), found.sequence);
  came.push(found.message.topic.name);
}

test('finds in a walk what stays as it was once, nothing twice and nothing that is not true any more', async () => {
  const steps = fc.array(step, { minLength: 10, maxLength: 100, size: 'max' });
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (history, isCached) => {
      const store = new HeldStore();
      const { retained, endOfTurn } = over(store, isCached ? {} : { retainedCacheBytesMax: 0 });
      const now = new Map<string, number>();
      const walks: Begun[] = [];
      for (const { op, number } of history) {
        const topic = TOPICS[number];
        if (op === 'put') {
          // Some are worth a place in the cache as soon as they are read.
          retained.set(sampleMessage(topic, `${retained.sequence + 1}`.padStart(number === 1 ? 2_000 : 1)));
          now.set(topic, retained.sequence);
        } else if (op === 'delete') {
          retained.delete(topic);
          now.delete(topic);
        } else if (op === 'endOfTurn') endOfTurn();
        else if (op === 'letThrough') await letThrough(store);
        else if (op === 'begin') {
          const filter = number === 0 ? 't/0' : 't/+';
          const atBegin = new Map([...now].filter(([name]) => filter === 't/+' || name === filter));
          walks.push({ walk: retained.walk(filter), sequence: retained.sequence, atBegin, came: [] });
        } else if (walks.length > 0) take(walks[Math.max(0, walks.length - 1 - number)], now);
        for (const name of TOPICS) assert.equal(Number(retained.get(name)?.payload ?? 0), now.get(name) ?? 0);
      }
      for (let turn = 0; turn < 3; turn++) {
        endOfTurn();
        await letThrough(store);
      }
      for (const one of walks) {
        for (let turn = 0; turn < 100 && !one.walk.isDone; turn++) take(one, now);
        assert.ok(one.walk.isDone);
        const stayed = [...one.atBegin].filter(([name, sequence]) => now.get(name) === sequence).map(([name]) => name);
        assert.equal(new Set(one.came).size, one.came.length);
        for (const name of stayed) assert.ok(one.came.includes(name), name);
      }
      for (const name of TOPICS) assert.equal(Number(retained.get(name)?.payload ?? 0), now.get(name) ?? 0);
      assert.equal(retained.count, now.size);
    }),
    { numRuns: 300 },
  );
});

/** A store that counts the reads of single topics. */
class CountingStore extends HeldStore {
  reads = 0;
  override readonly retained: RetainedReader = {
    get: (topic) => {
      this.reads += 1;
      const found = this.kept.retained.get(topic);
      // Read anew each time, as from a disk.
      return found && { message: found.message, sequence: found.sequence };
    },
    cursor: (filter) => this.kept.retained.cursor(filter),
    expired: (nowMs, limit) => this.kept.retained.expired(nowMs, limit),
  };
}

test('reads a topic in use once, and no other after it has left the cache', async () => {
  const store = new CountingStore();
  const { retained, endOfTurn, metrics } = over(store, { retainedCacheBytesMax: 2_000 });
  const topics = ['a', 'b', 'c'];
  for (const topic of topics) retained.set(sampleMessage(topic, 'x'.repeat(300)));
  endOfTurn();
  await letThrough(store);
  store.reads = 0;
  for (let again = 0; again < 3; again++) for (const topic of ['a', 'b']) assert.ok(retained.get(topic));
  assert.equal(store.reads, 2);
  assert.ok(retained.get('c'));
  assert.deepEqual([store.reads, metrics.retainedEvicted], [3, 1]);
  retained.get('a');
  assert.equal(store.reads, 4);
  // Replaced, it is in use, and has its place when it is durable.
  retained.set(sampleMessage('a', 'new'));
  endOfTurn();
  await letThrough(store);
  assert.equal(String(retained.get('a')?.payload), 'new');
  assert.equal(store.reads, 4);
});

test('gives walks that read a large message about the same time one object', async () => {
  const store = new CountingStore();
  const { retained, endOfTurn } = over(store);
  retained.set(sampleMessage('large', 'x'.repeat(5_000)));
  endOfTurn();
  await letThrough(store);
  const first = retained.walk('+').next(10);
  assert.ok(first);
  assert.equal(retained.walk('+').next(10)?.message, first.message);
  assert.equal(retained.get('large'), first.message);
  assert.equal(store.reads, 1);
});

test('deletes what has expired, once, and never a newer message of the topic', async () => {
  const store = new HeldStore();
  const { retained, endOfTurn } = over(store);
  for (const topic of ['a', 'b', 'c', 'd']) retained.set(expiring(topic, 5_000));
  endOfTurn();
  await letThrough(store);
  retained.set(expiring('b', 60_000));
  retained.set(sampleMessage('c', 'stays'));
  retained.delete('d');
  for (let nowMs = 4_000; nowMs <= 6_000; nowMs += 500) retained.sweep(nowMs);
  assert.deepEqual([retained.count, retained.get('a')], [2, undefined]);
  endOfTurn();
  retained.sweep(6_000);
  await letThrough(store);
  retained.sweep(7_000);
  endOfTurn();
  assert.equal(store.batches.flat().filter(({ op }) => op === 'deleteRetained').length, 2);
});

test('deletes no more of what has expired in one sweep than some megabytes', () => {
  const { retained, endOfTurn } = over();
  for (let i = 0; i < 10; i++) {
    const { topic } = sampleMessage(`t/${i}`);
    retained.set(
      Message.of(topic, Buffer.alloc(1024 * 1024), { retain: true, properties: { messageExpiryInterval: 5 } }),
    );
  }
  endOfTurn();
  const left: number[] = [];
  for (let nowMs = 7_000; nowMs < 11_000; nowMs += 1_000) {
    retained.sweep(nowMs);
    endOfTurn();
    left.push(retained.count);
  }
  assert.deepEqual(left, [6, 2, 0, 0]);
});

test('ends the broker where the store cannot be read, and skips nothing', async () => {
  const damaged = (): never => {
    throw new Error('Cannot read retained "a": it begins with version 9');
  };
  const reader: RetainedReader = {
    get: damaged,
    cursor: () => ({ isDone: false, next: damaged, pause: () => undefined }),
    expired: damaged,
  };
  const store = (): Store => Object.assign(new HeldStore(), { retained: reader });
  const attempts: ((retained: RetainedMessages) => unknown)[] = [
    (retained) => retained.set(sampleMessage('a')),
    (retained) => retained.get('a'),
    (retained) => retained.walk('+').next(10),
    (retained) => retained.walk('a').next(10),
    (retained) => retained.sweep(1_000),
  ];
  for (const attempt of attempts) {
    const { retained, commits, failures, endOfTurn } = over(store());
    retained.restore({ messages: 1, bytes: 1, lastSequence: 1 });
    attempt(retained);
    const { ticket } = commits;
    endOfTurn();
    assert.deepEqual(failures.map(String), ['Error: Cannot read retained "a": it begins with version 9']);
    assert.equal(commits.isDurable(ticket), false);
  }
});
