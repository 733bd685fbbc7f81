/** Property: whatever is written, and wherever it is closed and opened again, it holds what the memory store holds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, type Message, type Store, type Write } from '@dunlin/broker';
import { allOf, RetainedWriter } from '@dunlin/broker/contract/store';
import fc from 'fast-check';
import { newDirectory, openEnvironment } from './testing/directory.ts';
import { entry, everything, message, putSession, subscription } from './testing/writes.ts';

/** More, and from a seed, where these are set: `LMDB_RUNS=5000 LMDB_SEED=1`. */
const RUNS = Number(process.env.LMDB_RUNS ?? 60);
const SEED = process.env.LMDB_SEED;

const LONG = 'level/'.repeat(300);
const TEXTS = ['a', 'a/b', 'a/b/c', 'a b', '', 'ä/€', LONG, `${LONG}1`, `${LONG}2`];

/** What a step does; sessions and texts are picked by number among those there are. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('create' as const) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant('enqueue' as const),
      sessions: fc.array(fc.nat(7), { minLength: 1, maxLength: 6 }),
      bytes: fc.constantFrom(0, 50, 300, 3_000),
      again: fc.boolean(),
      qos: fc.constantFrom(1 as const, 2 as const),
      share: fc.boolean(),
      text: fc.nat(TEXTS.length - 1),
    }),
  },
  { weight: 8, arbitrary: fc.record({ op: fc.constant('dequeue' as const), session: fc.nat(7), which: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('release' as const), session: fc.nat(7), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), session: fc.nat(7) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom('subscribe' as const, 'unsubscribe' as const, 'retain' as const, 'unretain' as const),
      session: fc.nat(7),
      text: fc.nat(TEXTS.length - 1),
      identifier: fc.nat(200_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom('receive' as const, 'forget' as const, 'will' as const, 'noWill' as const),
      session: fc.nat(7),
      packetId: fc.integer({ min: 1, max: 5 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const batches = fc.array(
  fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 12 }), reopen: fc.nat(9).map((n) => n === 0) }),
  { maxLength: 25 },
);

/** Turns steps into writes that a broker could make: positions rise, each entry ends once. */
class Writer {
  readonly #store: () => Store;
  #next = 1;
  readonly #positions = new Map<number, number>();
  #last: Message | undefined;
  readonly #retained = new RetainedWriter();

  constructor(store: () => Store) {
    this.#store = store;
  }

  get sessions(): number[] {
    return [...this.#positions.keys()];
  }

  async writes(steps: readonly Step[]): Promise<Write[]> {
    const writes: Write[] = [];
    const ended = new Set<string>();
    for (const one of steps) writes.push(...(await this.#writes(one, ended)));
    return writes;
  }

  async #writes(one: Step, ended: Set<string>): Promise<Write[]> {
    if (one.op === 'create') {
      this.#positions.set(this.#next, 0);
      return [putSession(this.#next++)];
    }
    if (one.op === 'enqueue') return this.#enqueue(one);
    const session = this.sessions[one.session % Math.max(this.sessions.length, 1)] ?? 999;
    switch (one.op) {
      case 'delete':
        this.#positions.delete(session);
        return [{ op: 'deleteSession', session }];
      case 'dequeue':
      case 'release': {
        // Read back from the store: a message as a broker has it after a restart.
        const entries = await this.#store().queue(session, 0, 1_000);
        const found = entries[one.which % Math.max(entries.length, 1)];
        if (found === undefined || ended.has(`${session}/${found.position}`)) return [];
        if (one.op === 'release') return found.qos === 2 ? [{ op: 'release', session, entry: found }] : [];
        ended.add(`${session}/${found.position}`);
        return [{ op: 'dequeue', session, entry: found }];
      }
      case 'subscribe':
        return [{ op: 'putSubscription', session, subscription: subscription(TEXTS[one.text], one.identifier) }];
      case 'unsubscribe':
        return [{ op: 'deleteSubscription', session, filter: TEXTS[one.text] }];
      case 'retain':
        return [this.#retained.put(TEXTS[one.text], `${one.identifier}`, one.session === 0 ? 1_000 : undefined)];
      case 'unretain':
        return this.#retained.byTopic.has(TEXTS[one.text]) ? [this.#retained.delete(TEXTS[one.text])] : [];
      case 'receive':
        return [{ op: 'putReceived', session, packetId: one.packetId }];
      case 'forget':
        return [{ op: 'deleteReceived', session, packetId: one.packetId }];
      case 'will': {
        const will = {
          delayInterval: 4_294_967_295,
          messageExpiryInterval: one.packetId % 2 ? 7 : undefined,
          dueAtMs: 12.5,
          owner: one.packetId % 3 ? `owner of ${one.packetId}` : undefined,
        };
        return [{ op: 'putWill', session, will: { ...will, message: message('will', `${one.packetId}`) } }];
      }
      case 'noWill':
        return [{ op: 'deleteWill', session }];
    }
  }

  #enqueue(one: Extract<Step, { op: 'enqueue' }>): Write[] {
    // The same message again, as a retained one is queued whenever somebody subscribes.
    const queued = (one.again ? this.#last : undefined) ?? message(TEXTS[one.text], 'x'.repeat(one.bytes));
    this.#last = queued;
    const share = one.share ? '$share/g/#' : undefined;
    return one.sessions.flatMap((index): Write[] => {
      const session = this.sessions[index % Math.max(this.sessions.length, 1)];
      if (session === undefined) return [];
      const position = (this.#positions.get(session) ?? 0) + 1 + (index % 3);
      this.#positions.set(session, position);
      return [
        { op: 'enqueue', session, entry: { ...entry(position, queued, one.qos), share, identifiers: [index, 200] } },
      ];
    });
  }
}

function said(found: Message) {
  const { topic, qos, retain, publisher, expiresAtMs } = found;
  return { topic: topic.name, qos, retain, publisher, expiresAtMs, payload: String(found.payload) };
}

async function contents(store: Store) {
  const sessions = [];
  for (const stored of await everything(store.sessions())) {
    const queue = await store.queue(stored.record.number, 0, 10_000);
    const { lastPosition: _, ...held } = stored.queue;
    sessions.push({
      ...stored,
      queue: held,
      subscriptions: [...stored.subscriptions].sort((a, b) => (a.filter < b.filter ? -1 : 1)),
      received: [...stored.received].sort((a, b) => a - b),
      will: stored.will && { ...stored.will, message: said(stored.will.message) },
      entries: queue.map((one) => ({ ...one, message: said(one.message) })),
    });
  }
  return {
    sessions: sessions.sort((a, b) => a.record.number - b.record.number),
    retained: allOf(store.retained.cursor('#')),
    said: TEXTS.map((topic) => store.retained.get(topic)).map((one) => one && [said(one.message), one.sequence]),
    summary: (await store.contents()).retained,
    expired: [...store.retained.expired(1_000, 100)].sort(),
  };
}

test('holds what the memory store holds, also after it was opened again', {
  timeout: 1_000 * RUNS + 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.boolean(), async (steps, collide) => {
      const directory = newDirectory();
      // Every long text has the same hash, or its own.
      const options = { directory, ...(collide && { textHash: () => Buffer.alloc(16) }) };
      let environment = await openEnvironment(options);
      const memory = new MemoryStore();
      const writer = new Writer(() => environment.store);
      for (const batch of steps) {
        const writes = await writer.writes(batch.steps);
        memory.commit(writes);
        await environment.store.commit(writes);
        if (!batch.reopen) continue;
        await environment.close();
        environment = await openEnvironment(options);
      }
      assert.deepEqual(await contents(environment.store), await contents(memory));
      await environment.swept();
      assert.deepEqual(await contents(environment.store), await contents(memory));
      const report = await environment.check();
      assert.deepEqual(report.problems, []);
      assert.equal(report.garbage, 0);
      await environment.close();
    }),
    { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
});
