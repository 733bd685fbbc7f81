import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QoS } from '@dunlin/protocol';
import fc from 'fast-check';
import type { StoredEntry, Write } from './ports.ts';
import type { TestClient } from './testing/client.ts';
import { HeldStore, LaterStore } from './testing/store.ts';
import { World } from './testing/world.ts';

const STORED = { cleanStart: false, properties: { sessionExpiryInterval: 1_000 } };

/** Knows no Receive Maximum, so that it may send everything at once. */
const BURSTS = { protocolVersion: 4 } as const;

/** Publishes `count` messages at QoS 1 that say their numbers, in one chunk. */
function publishNumbers(publisher: TestClient, count: number): void {
  const packets = Array.from({ length: count }, (_, i) => publisher.publishPacket('t', { qos: 1, payload: `${i}` }));
  publisher.send(...packets);
  publisher.takeAll();
}

/** One turn of the event loop, with all that its commits let go on. */
async function runOn(world: World): Promise<void> {
  world.run();
  await nextTurn();
  world.run();
}

/** Lets it come to rest, pages included. */
async function settled(world: World): Promise<void> {
  for (let turn = 0; turn < 12; turn++) {
    await world.settle();
    await nextTurn();
  }
}

async function member(world: World, clientId: string, filter: string, qos: QoS): Promise<TestClient> {
  const client = await world.admit(clientId, STORED, () => settled(world));
  client.send(client.subscribePacket(filter, { qos }));
  await settled(world);
  client.take('suback');
  return client;
}

/** Commits and reads take turns of the event loop: each as many as its list says next, which begins again at its end. */
class SlowStore extends LaterStore {
  readonly #commitTurns: readonly number[];
  readonly #readTurns: readonly number[];
  #commits = 0;
  #reads = 0;

  constructor(commitTurns: readonly number[], readTurns: readonly number[]) {
    super();
    this.#commitTurns = commitTurns;
    this.#readTurns = readTurns;
  }

  override async commit(batch: readonly Write[]): Promise<void> {
    await turns(this.#commitTurns[this.#commits++ % this.#commitTurns.length]);
    await super.commit(batch);
  }
  override async queue(session: number, after: number, limit: number): Promise<readonly StoredEntry[]> {
    await turns(this.#readTurns[this.#reads++ % this.#readTurns.length]);
    return super.queue(session, after, limit);
  }
}

/** Notes what comes while a commit is under way, or after it was closed. */
class StrictStore extends SlowStore {
  readonly faults: string[] = [];
  isClosed = false;
  #isCommitting = false;
  override async commit(batch: readonly Write[]): Promise<void> {
    if (this.isClosed) this.faults.push(`commit of ${batch.length} writes after close`);
    this.#isCommitting = true;
    await super.commit(batch);
    this.#isCommitting = false;
  }
  override async queue(session: number, after: number, limit: number): Promise<readonly StoredEntry[]> {
    if (this.isClosed) this.faults.push('read after close');
    return await super.queue(session, after, limit);
  }
  override close(): Promise<void> {
    if (this.#isCommitting) this.faults.push('close during a commit');
    this.isClosed = true;
    return super.close();
  }
}

async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

for (const after of [0, 1, 6]) {
  test(`hands over all of a session that ends ${after} turns after it asked for a page`, async () => {
    const count = 3_500;
    const world = new World({ store: new SlowStore([0], [5]) });
    (await member(world, 'leaving', '$share/g/t', 1)).break();
    publishNumbers(await world.admit('p', BURSTS, () => settled(world)), count);
    await settled(world);
    const staying = await member(world, 'staying', '$share/g/t', 1);
    const came = new Set<string>();
    const read = (client: TestClient) => {
      for (const { payload } of client.answerAll()) came.add(Buffer.from(payload).toString());
    };
    // The whole first page: with the last acknowledgement of it the next one is asked for.
    const leaving = await world.admit('leaving', STORED, () => settled(world));
    while (came.size < 1_024) {
      read(leaving);
      if (came.size < 1_024) await settled(world);
    }
    await turns(after);
    leaving.disconnect(0, { sessionExpiryInterval: 0 });
    for (let round = 0; round < 50; round++) {
      await settled(world);
      read(staying);
    }
    read(leaving);
    assert.equal(came.size, count);
    assert.deepEqual([world.broker.sessionsById.size, world.told('internalError')], [2, []]);
    assert.equal(world.broker.metrics.messagesDroppedSessionEnd, 0);
    assert.equal(world.broker.pressure.heldBytes, 0);
  });
}

test('hands over what the store has not committed yet when the session ends', async () => {
  const count = 3_000;
  const world = new World({ store: new SlowStore([3], [0]) });
  for (const name of ['leaving', 'staying']) (await member(world, name, '$share/g/t', 1)).break();
  await settled(world);
  publishNumbers(await world.admit('p', BURSTS, () => settled(world)), count);
  world.open().connect({ clientId: 'leaving' });
  await settled(world);
  const staying = await world.admit('staying', STORED, () => settled(world));
  const came = new Set<string>();
  for (let round = 0; round < 20; round++) {
    for (const { payload } of staying.answerAll()) came.add(Buffer.from(payload).toString());
    await settled(world);
  }
  assert.equal(came.size, count);
  assert.equal(world.broker.metrics.sharedHandedOver, count / 2);
});

/** A client whose connection breaks and comes back, which finishes what it gets and notes what it had not. */
class Reader {
  readonly came: number[] = [];
  readonly #world: World;
  readonly #properties: { readonly sessionExpiryInterval: number; readonly receiveMaximum: number };
  #client: TestClient | undefined = undefined;
  readonly #known = new Set<number>();
  /** QoS 2 messages by identifier that wait for PUBREL. */
  readonly #unreleased = new Map<number, number>();

  constructor(world: World, receiveMaximum: number) {
    this.#world = world;
    this.#properties = { sessionExpiryInterval: 1_000, receiveMaximum };
  }

  /** Does not wait for CONNACK. */
  come(): TestClient {
    if (this.#client !== undefined) return this.#client;
    const client = this.#world.open();
    client.connect({ clientId: 's', cleanStart: false, properties: this.#properties });
    this.#client = client;
    return client;
  }

  go(): void {
    this.#client?.break();
    this.#client = undefined;
  }

  /** Answers everything that has come. */
  read(): void {
    const packets = [...(this.#client?.packets ?? [])];
    for (const packet of packets) {
      if (packet.type === 'pubrel') this.#unreleased.delete(packet.packetId);
      if (packet.type !== 'publish') continue;
      const number = Number(Buffer.from(packet.payload).toString());
      if (packet.qos === 2) {
        const before = this.#unreleased.get(packet.packetId);
        if (before === number) continue;
        assert.equal(before, undefined, 'an identifier is used again before PUBREL');
        assert.ok(!this.#known.has(number), `${number} came twice`);
        this.#unreleased.set(packet.packetId, number);
      }
      if (this.#known.has(number)) continue;
      this.#known.add(number);
      this.came.push(number);
    }
    this.#client?.answerAll();
  }
}

type Step = { readonly do: 'publish'; readonly qos: readonly (1 | 2)[]; readonly count: number } | { readonly do: Act };
type Act = 'come' | 'go' | 'read' | 'wait';

const STEPS = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        qos: fc.array(fc.constantFrom(1 as const, 2 as const), { minLength: 1, maxLength: 5 }),
        count: fc.constantFrom(1, 3, 60, 1_200),
      }),
    },
    {
      weight: 12,
      arbitrary: fc.record({ do: fc.constantFrom<Act[]>('come', 'come', 'go', 'read', 'read', 'wait', 'wait') }),
    },
  ),
  { minLength: 20, maxLength: 80 },
);

const WINDOWS = fc.constantFrom(1, 40, 2_000);
const TURNS = fc.array(fc.nat(3), { minLength: 1, maxLength: 7 });

test('brings everything in order, QoS 2 exactly once, whenever the connection breaks and pages come', async () => {
  await fc.assert(
    fc.asyncProperty(
      STEPS,
      WINDOWS,
      TURNS,
      TURNS,
      async (steps: readonly Step[], receiveMaximum, commitTurns, readTurns) => {
        const world = new World({ store: new SlowStore(commitTurns, readTurns) });
        const reader = new Reader(world, receiveMaximum);
        const publisher = await world.admit('p', BURSTS, () => settled(world));
        const first = reader.come();
        await settled(world);
        first.send(first.subscribePacket('t', { qos: 2 }));
        let sent = 0;
        const publish = (count: number, qos: readonly (1 | 2)[]) => {
          const packets = Array.from({ length: count }, (_, i) =>
            publisher.publishPacket('t', { qos: qos[i % qos.length], payload: `${sent + i}` }),
          );
          sent += count;
          publisher.send(...packets);
          publisher.answerAll();
        };
        for (const step of steps) {
          if ('qos' in step) publish(step.count, step.qos);
          else if (step.do === 'come') reader.come();
          else if (step.do === 'go') reader.go();
          else if (step.do === 'read') reader.read();
          else await runOn(world);
        }
        // Whatever was before, it comes back while what it is to read is not committed.
        reader.go();
        publish(10, [1, 2]);
        reader.come();
        // With a window of one every QoS 2 message takes two rounds.
        for (let round = 0; round < 40_000 && reader.came.length < sent; round++) {
          reader.read();
          await runOn(world);
        }
        for (let round = 0; round < 5; round++) {
          await settled(world);
          reader.read();
        }
        assert.deepEqual(
          reader.came,
          Array.from({ length: sent }, (_, i) => i),
        );
        assert.deepEqual([world.broker.pressure.heldBytes, world.told('internalError')], [0, []]);
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
});

for (const microtasks of [0, 1, 2, 3, 4, 5])
  test(`loses nothing of an absent client that the server sends away ${microtasks} microtasks after its page was asked for`, async () => {
    const store = new LaterStore();
    const world = new World({ store });
    const options = { cleanStart: false, properties: { sessionExpiryInterval: 100 } };
    const first = await world.admit('a', options);
    first.send(first.subscribePacket('t', { qos: 1 }));
    await world.settle();
    first.break();
    for (let i = 0; i < 5; i++) world.broker.publish('t', Buffer.from(`${i}`), { qos: 1 });
    await world.settle();
    const queue = store.queue.bind(store);
    store.queue = (...args) => {
      store.queue = queue;
      // As an operator, or a takeover behind an Authenticator that answers later, would at any moment.
      let left = microtasks;
      const goOn = (): void => {
        if (left-- > 0) void Promise.resolve().then(goOn);
        else world.broker.disconnect(() => true);
      };
      void Promise.resolve().then(goOn);
      return queue(...args);
    };
    world.open().connect({ clientId: 'a', ...options });
    await world.settle();
    const again = await world.admit('a', options);
    assert.deepEqual(again.takePayloads(), ['0', '1', '2', '3', '4']);
  });

for (const stopAfter of [0, 1, 2, 3, 5, 8])
  test(`a broker that stops ${stopAfter} turns into a hand-over leaves the rest to the next one, and writes nothing after it has closed`, async () => {
    const count = 3_000;
    const store = new StrictStore([1], [1]);
    const former = new World({ store });
    for (const name of ['leaving', 'staying']) (await member(former, name, '$share/g/t', 1)).break();
    publishNumbers(await former.admit('p', BURSTS, () => settled(former)), count);
    await settled(former);
    former.open().connect({ clientId: 'leaving' });
    for (let turn = 0; turn < stopAfter; turn++) await runOn(former);
    const stopped = former.broker.stop();
    for (let round = 0; round < 40; round++) await settled(former);
    await stopped;
    assert.deepEqual(store.faults, []);
    assert.deepEqual(former.told('internalError'), []);

    store.isClosed = false;
    const world = await World.after(former);
    await settled(world);
    const staying = await world.admit('staying', STORED, () => settled(world));
    const came = new Set<string>();
    for (let round = 0; round < 40; round++) {
      for (const { payload } of staying.answerAll()) came.add(Buffer.from(payload).toString());
      await settled(world);
    }
    assert.equal(came.size, count);
  });

for (const how of ['at once', 'later'])
  test(`a queue that cannot be read is as fatal as a failed commit, whether the store says so ${how}`, async () => {
    const store = new LaterStore();
    const world = new World({ store });
    (await member(world, 'a', 't', 1)).break();
    publishNumbers(await world.admit('p', BURSTS, () => settled(world)), 3);
    await settled(world);
    store.queue = () => {
      const error = new Error('page 7 is damaged');
      if (how === 'later') return Promise.reject(error);
      throw error;
    };
    world.open().connect({ clientId: 'a', ...STORED });
    await settled(world);
    assert.deepEqual(
      world.told('storeFailed').map(({ error }) => error),
      ['page 7 is damaged'],
    );
  });

test('a queue of which the store has nothing is as fatal as one that cannot be read', async () => {
  const store = new LaterStore();
  const world = new World({ store });
  (await member(world, 'a', 't', 1)).break();
  publishNumbers(await world.admit('p', BURSTS, () => settled(world)), 3);
  await settled(world);
  store.queue = async () => [];
  world.open().connect({ clientId: 'a', ...STORED });
  await settled(world);
  assert.deepEqual(
    world.told('storeFailed').map(({ error }) => error),
    [
      'Cannot read the queue of session 1 after position 0: the store has nothing there, expected are 3 entries; restore a backup',
    ],
  );
});

test('drops what has expired no faster than the disk removes it', async () => {
  const store = new HeldStore();
  const world = new World({ store });
  const settled = () => store.letAllThrough(world);
  const names = ['a', 'b', 'c'];
  for (const name of names) {
    const client = await world.admit(name, STORED, settled);
    client.send(client.subscribePacket(name, { qos: 1 }));
    await settled();
    client.break();
  }
  // Of 100,000 bytes each: 42 of them are more than a batch may hold.
  for (let i = 0; i < 200; i++) {
    const properties = { messageExpiryInterval: 5 };
    for (const name of names) world.broker.publish(name, Buffer.alloc(100_000), { qos: 1, properties });
  }
  await settled();
  world.pass(6_000);
  await settled();
  const before = store.batches.length;
  for (const name of names) world.open().connect({ clientId: name, ...STORED });
  await settled();
  assert.equal(world.broker.metrics.messagesExpired, 600);
  const removed = store.batches.slice(before).map((batch) => batch.filter(({ op }) => op === 'dequeue'));
  assert.ok(Math.max(...removed.map(({ length }) => length)) <= 43, `${removed.map(({ length }) => length)}`);
  // All take part from the first batches on.
  const first = removed.filter(({ length }) => length > 0).slice(0, 5);
  const sessions = first.flat().map((write) => ('session' in write ? write.session : 0));
  assert.equal(new Set(sessions).size, 3);
  assert.equal(world.broker.pressure.heldBytes, 0);
});
