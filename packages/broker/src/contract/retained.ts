/** What every Store must do with retained messages; part of `storeContract`. */
import assert from 'node:assert/strict';
import { topicMatches } from '@dunlin/protocol';
import { Message, retainedBytes } from '../message.ts';
import type { Retained, RetainedCursor, Store, Write } from '../ports.ts';
import { storedTopic } from '../topics.ts';

type StoreTest = (title: string, run: (store: Store) => Promise<void>) => void;

/** More steps than any walk of these tests takes. */
const STEPS_MAX = 100_000;

/** Writes of retained messages, as a broker makes them: with what was there before, and numbers that rise. */
export class RetainedWriter {
  readonly byTopic = new Map<string, Retained>();
  sequence = 0;

  put(topic: string, text = 'payload', expiresAtMs?: number): Write {
    const message = Message.of(storedTopic(topic), Buffer.from(text), {
      qos: 1,
      retain: true,
      ...(expiresAtMs !== undefined && { properties: { messageExpiryInterval: expiresAtMs / 1_000 } }),
    });
    const former = this.byTopic.get(topic);
    this.sequence += 1;
    const retained = { message, sequence: this.sequence };
    this.byTopic.set(topic, retained);
    return { op: 'putRetained', retained, former };
  }

  /** The topic must have one. */
  delete(topic: string): Write {
    const retained = this.byTopic.get(topic) as Retained;
    this.byTopic.delete(topic);
    return { op: 'deleteRetained', retained };
  }

  /** What the store must say in short. */
  summary() {
    let bytes = 0;
    for (const { message } of this.byTopic.values()) bytes += retainedBytes(message);
    return { messages: this.byTopic.size, bytes, lastSequence: this.sequence };
  }

  /** Topics that a filter matches, in order. */
  matching(filter: string): string[] {
    return [...this.byTopic.keys()].filter((topic) => topicMatches(filter, topic)).sort();
  }
}

/** Topics and texts of all that a cursor finds, in order of topics. */
export function allOf(cursor: RetainedCursor, looksMax = 100): [string, string][] {
  const found: [string, string][] = [];
  for (let step = 0; step < STEPS_MAX && !cursor.isDone; step++) {
    const retained = cursor.next(looksMax);
    if (retained !== undefined) found.push([retained.message.topic.name, String(retained.message.payload)]);
  }
  assert.ok(cursor.isDone);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The same of all whose topics do not begin with "$". */
export function retainedOf(store: Store): [string, string][] {
  return allOf(store.retained.cursor('#'));
}

export function retainedTests(storeTest: StoreTest): void {
  changeTests(storeTest);
  expiryTests(storeTest);
  filterTests(storeTest);
}

function changeTests(storeTest: StoreTest): void {
  storeTest('keeps one retained message a topic, the later', async (store) => {
    const writer = new RetainedWriter();
    await store.commit([writer.put('a', 'old'), writer.put('b', 'gone'), writer.put('a/b', 'other')]);
    await store.commit([writer.put('a', 'new'), writer.delete('b')]);
    assert.deepEqual(retainedOf(store), [
      ['a', 'new'],
      ['a/b', 'other'],
    ]);
    assert.equal(String(store.retained.get('a')?.message.payload), 'new');
    assert.equal(store.retained.get('a')?.sequence, writer.byTopic.get('a')?.sequence);
    assert.equal(store.retained.get('b'), undefined);
    assert.equal(store.retained.get('a/'), undefined);
  });

  storeTest('applies changes of one topic in one batch in order', async (store) => {
    const writer = new RetainedWriter();
    const batch = [writer.put('a'), writer.delete('a'), writer.put('a', 'last'), writer.put('b'), writer.delete('b')];
    await store.commit(batch);
    assert.deepEqual(retainedOf(store), [['a', 'last']]);
    assert.deepEqual((await store.contents()).retained, writer.summary());
  });

  storeTest('knows how many retained messages there are, their bytes and the last number', async (store) => {
    const writer = new RetainedWriter();
    await store.commit([writer.put('a', 'x'.repeat(300)), writer.put('a/b/c'), writer.put('$x/y'), writer.put('')]);
    assert.deepEqual((await store.contents()).retained, writer.summary());
    await store.commit([writer.put('a', 'x'), writer.delete('a/b/c')]);
    assert.deepEqual((await store.contents()).retained, writer.summary());
    await store.commit([
      writer.put('z'),
      writer.delete('z'),
      writer.delete('a'),
      writer.delete(''),
      writer.delete('$x/y'),
    ]);
    assert.deepEqual((await store.contents()).retained, { messages: 0, bytes: 0, lastSequence: writer.sequence });
  });

  storeTest('finds with a cursor what is committed when it comes to it, each topic once', async (store) => {
    const writer = new RetainedWriter();
    const topics = Array.from({ length: 1_000 }, (_, index) => `level/${index}/x`);
    await store.commit(topics.map((topic) => writer.put(topic, 'old')));
    const cursor = store.retained.cursor('level/+/x');
    const came: string[] = [];
    for (let step = 0; step < STEPS_MAX && !cursor.isDone; step++) {
      const found = cursor.next(50);
      if (found === undefined) continue;
      const { name } = found.message.topic;
      assert.equal(found.sequence, writer.byTopic.get(name)?.sequence, name);
      came.push(name);
      const changed = topics[(step * 7) % topics.length];
      if (step % 20 === 0)
        await store.commit([writer.byTopic.has(changed) ? writer.delete(changed) : writer.put(changed, 'new')]);
    }
    assert.equal(new Set(came).size, came.length);
    const stayed = topics.filter((topic) => (writer.byTopic.get(topic)?.sequence ?? Infinity) <= topics.length);
    assert.ok(stayed.length > 900);
    for (const topic of stayed) assert.ok(came.includes(topic), topic);
  });
}

function expiryTests(storeTest: StoreTest): void {
  storeTest('tells which retained messages have expired, until they are deleted', async (store) => {
    const writer = new RetainedWriter();
    await store.commit([
      writer.put('a', 'x', 5_000),
      writer.put('b', 'x', 5_000),
      writer.put('replaced', 'x', 5_000),
      writer.put('stays', 'x', 5_000),
      writer.put('later', 'x', 60_000),
      writer.put('never'),
    ]);
    await store.commit([writer.put('replaced', 'y', 60_000), writer.put('stays', 'y')]);
    const expired = (nowMs: number, limit = 10) => [...store.retained.expired(nowMs, limit)].sort();
    assert.deepEqual(expired(4_999), []);
    assert.deepEqual(expired(5_000), ['a', 'b']);
    assert.equal(expired(5_000, 1).length, 1);
    assert.deepEqual(expired(5_000), ['a', 'b']);
    await store.commit([writer.delete('a')]);
    assert.deepEqual(expired(5_001), ['b']);
    await store.commit([writer.put('b', 'again', 60_000)]);
    assert.deepEqual(expired(59_999), []);
    assert.deepEqual(expired(100_000), ['b', 'later', 'replaced']);
  });
}

/** Levels with what sorts badly: empty, one the beginning of another, below "/", near where keys of long topics end. */
const LEVELS = [
  '',
  'a',
  'b',
  'c',
  'ab',
  'a!',
  '$x',
  'ä',
  '€',
  ...[996, 997, 998, 999, 1_000].map((n) => 'x'.repeat(n)),
];
/** Most topics are short. */
const SHORT_LEVELS = 9;
const ROUNDS = 60;

/** Numbers below `limit` that look random and are the same in every run. */
function dice(): (limit: number) => number {
  let state = 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

function filterTests(storeTest: StoreTest): void {
  storeTest('goes on behind what it has given after a pause', async (store) => {
    const writer = new RetainedWriter();
    const topics = Array.from({ length: 40 }, (_, index) => `t/${index + 10}`);
    await store.commit(topics.map((topic) => writer.put(topic)));
    const cursor = store.retained.cursor('#');
    const found: string[] = [];
    for (let step = 0; step < STEPS_MAX && !cursor.isDone; step++) {
      const retained = cursor.next(256);
      if (retained !== undefined) found.push(retained.message.topic.name);
      cursor.pause();
    }
    assert.deepEqual(found.sort(), topics);
  });

  storeTest(
    'finds with any filter just the topics that it matches, in steps of any size [MQTT-4.7.2-1]',
    async (store) => {
      const writer = new RetainedWriter();
      const roll = dice();
      const level = () => LEVELS[roll(roll(8) === 0 ? LEVELS.length : SHORT_LEVELS)];
      const levels = (one: () => string, most: number) => Array.from({ length: roll(most + 1) }, one);
      for (let round = 0; round < ROUNDS; round++) {
        const topics = new Set(Array.from({ length: roll(40) }, () => [...levels(level, 3), level()].join('/')));
        // Some stay from round to round, so that what comes meets another history each time.
        const gone = [...writer.byTopic.keys()].filter(() => roll(3) > 0);
        await store.commit([
          ...gone.map((name) => writer.delete(name)),
          ...[...topics].map((name) => writer.put(name)),
        ]);
        for (let index = 0; index < 10; index++) {
          const last = ['#', '#', '+', level()][roll(4)];
          const filter = [...levels(() => (roll(2) === 0 ? '+' : level()), 3), last].join('/');
          const found = allOf(store.retained.cursor(filter), 1 + roll(30)).map(([name]) => name);
          assert.deepEqual(found, writer.matching(filter), filter.slice(0, 100));
        }
      }
      assert.deepEqual((await store.contents()).retained, writer.summary());
    },
  );

  storeTest('looks at no more topics in a step than it may, however many levels a filter has', async (store) => {
    const writer = new RetainedWriter();
    const topics = Array.from({ length: 500 }, (_, index) => `${'a/b/'.repeat(index % 49)}${index}`);
    await store.commit(topics.map((name) => writer.put(name)));
    const filter = `${'+/'.repeat(99)}x`;
    const cursor = store.retained.cursor(filter);
    for (let step = 1; step < 5; step++) assert.equal(cursor.next(10), undefined);
    assert.equal(cursor.isDone, false);
    assert.deepEqual(allOf(store.retained.cursor(filter), 10), []);
  });
}
