/**
 * What every outbox store must do, as a list that runs in Node and in browsers alike: each entry throws where a store
 * fails it. It imports nothing but types, so that a page can run it.
 */
import type { OutboxBatch, OutboxContents, OutboxRecord, OutboxStore } from '../outbox-store.ts';

/** Makes stores of one place that is empty at first, each a possible owner of it; they do not wait for one another. */
export type OutboxPlace = () => OutboxStore;

/** One thing that a store must do. */
export interface OutboxStoreTest {
  readonly title: string;
  readonly run: (place: OutboxPlace) => Promise<void>;
}

/** All publish properties of MQTT 5.0 that there are; the binary one is a view into something larger. */
const properties: OutboxRecord['properties'] = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 0xffff_ffff,
  topicAlias: 65_535,
  responseTopic: 'antwort/ü/🦆',
  correlationData: Uint8Array.of(9, 0, 0xff, 0x80, 9).subarray(1, 4),
  userProperties: [
    ['b', '2'],
    ['a', ''],
    ['b', '1'],
    ['', 'ü'],
    ['b', '2'],
  ],
  subscriptionIdentifiers: [268_435_455, 1, 1],
  contentType: 'application/json',
};

function record(sequence: number, changes: Partial<OutboxRecord> = {}): OutboxRecord {
  const payload = Uint8Array.of(sequence & 0xff, 1, 2);
  const rest = { properties: {}, expiresAtMs: undefined, packetId: 0, state: 'waiting' } as const;
  return { sequence, topic: `topic/${sequence}`, payload, qos: 1, retain: false, ...rest, ...changes };
}

function batch(put: readonly OutboxRecord[], remove: readonly number[] = [], clientId?: string): OutboxBatch {
  return { put, remove, clientId };
}

/** The same text for the same value, whatever the order of its keys: bytes and absent values show. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes(${[...value].join(' ')})`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`;
  if (value === null || typeof value !== 'object')
    return typeof value === 'string' ? JSON.stringify(value) : `${value}`;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${entries
    .map(([key, one]) => `${key}: ${canonical(one)}`)
    .sort()
    .join(', ')}}`;
}

function assertEqual(found: unknown, expected: unknown): void {
  const [left, right] = [canonical(found), canonical(expected)];
  if (left !== right) throw new Error(`Found ${left.slice(0, 2_000)}, expected ${right.slice(0, 2_000)}`);
}

async function assertRejects(promise: Promise<unknown>, code: string): Promise<void> {
  const error = await promise.then(
    () => new Error('it did not reject'),
    (reason: Error & { code?: string }) => reason,
  );
  if (!('code' in error) || error.code !== code) throw new Error(`Found ${error}, expected a rejection with ${code}`);
}

/** What the next owner finds. */
async function contentsOf(place: OutboxPlace): Promise<OutboxContents> {
  const store = place();
  const contents = await store.open();
  await store.close();
  return contents;
}

/** Writes each batch when the one before it is kept, and returns what the next owner finds. */
async function after(place: OutboxPlace, ...batches: readonly OutboxBatch[]): Promise<OutboxContents> {
  const store = place();
  await store.open();
  for (const one of batches) await store.write(one);
  await store.close();
  return contentsOf(place);
}

async function sequencesAfter(place: OutboxPlace, ...batches: readonly OutboxBatch[]): Promise<number[]> {
  return (await after(place, ...batches)).records.map(({ sequence }) => sequence);
}

/** The suite. Every entry gets a place of its own. */
export const OUTBOX_STORE_CONTRACT: readonly OutboxStoreTest[] = [
  {
    title: 'a new place is empty and belongs to no client',
    async run(place) {
      assertEqual(await contentsOf(place), { clientId: undefined, records: [] });
    },
  },
  {
    title: 'a record comes back with every field and every property of a PUBLISH',
    async run(place) {
      const records = [
        record(0, { qos: 0, payload: new Uint8Array(0), topic: 'ü/🦆/\ufeff' }),
        record(1, {
          qos: 1,
          retain: true,
          properties,
          expiresAtMs: 1_700_000_000_123.5,
          packetId: 65_535,
          state: 'sent',
        }),
        record(2, { qos: 2, expiresAtMs: 0, packetId: 1, state: 'released' }),
      ];
      assertEqual((await after(place, batch(records))).records, records);
    },
  },
  {
    title: 'records come by sequence as numbers, whatever the order of their puts',
    async run(place) {
      const sequences = [10, Number.MAX_SAFE_INTEGER, 9, 2 ** 32, 0];
      const found = await sequencesAfter(
        place,
        batch(sequences.map((sequence) => record(sequence))),
        batch([record(3)]),
      );
      assertEqual(found, [0, 3, 9, 10, 2 ** 32, Number.MAX_SAFE_INTEGER]);
    },
  },
  {
    title: 'a put of a kept sequence moves it on in its exchange',
    async run(place) {
      const first = record(1, { qos: 2, properties });
      const sent = { ...first, packetId: 7, state: 'sent' as const };
      const released = { ...first, packetId: 7, state: 'released' as const };
      assertEqual((await after(place, batch([first]), batch([sent]))).records, [sent]);
      assertEqual((await after(place, batch([released]))).records, [released]);
      assertEqual((await after(place, batch([first]))).records, [first]);
    },
  },
  {
    title: 'a batch puts, then removes; what is not kept is removed without complaint',
    async run(place) {
      const first = batch([record(1), record(2), record(3)], [2, 9]);
      assertEqual(await sequencesAfter(place, first, batch([], [1, 2]), batch([], []), batch([record(4)])), [3, 4]);
    },
  },
  {
    title: 'the client identifier is the last that was written',
    async run(place) {
      assertEqual((await after(place, batch([], [], 'kitchen/ü'))).clientId, 'kitchen/ü');
      assertEqual((await after(place, batch([record(1)]))).clientId, 'kitchen/ü');
      assertEqual((await after(place, batch([], [1], ''))).clientId, '');
    },
  },
  {
    title: 'writes that overlap take effect in their order, and close waits for them',
    async run(place) {
      const store = place();
      await store.open();
      const writes: Promise<void>[] = [];
      const settled: number[] = [];
      for (let sequence = 0; sequence < 50; sequence++) {
        const sent = record(sequence, { packetId: sequence + 1, state: 'sent' });
        writes.push(store.write(batch([record(sequence)])), store.write(batch([sent], [sequence - 10])));
      }
      for (const [index, write] of writes.entries()) void write.then(() => settled.push(index));
      await store.close();
      await Promise.all(writes);
      assertEqual(settled, [...writes.keys()]);
      const { records } = await contentsOf(place);
      const expected = [40, 41, 42, 43, 44, 45, 46, 47, 48, 49];
      assertEqual(
        records,
        expected.map((sequence) => record(sequence, { packetId: sequence + 1, state: 'sent' })),
      );
    },
  },
  {
    title: 'a second owner is refused while there is a first, and comes in after it',
    async run(place) {
      const first = place();
      await first.open();
      await first.write(batch([record(1)]));
      const second = place();
      await assertRejects(second.open(), 'held');
      await assertRejects(first.open(), 'held');
      await first.write(batch([record(2)]));
      await first.close();
      const { records } = await second.open();
      assertEqual(records, [record(1), record(2)]);
      await second.write(batch([], [1]));
      await second.close();
      assertEqual((await first.open()).records, [record(2)]);
      await first.close();
    },
  },
  {
    title: 'a store that is not open takes no writes, and may be closed',
    async run(place) {
      const store = place();
      await store.close();
      await assertRejects(store.write(batch([record(1)])), 'closed');
      await store.open();
      await store.write(batch([record(3)]));
      const closing = store.close();
      await assertRejects(store.write(batch([record(4)])), 'closed');
      await Promise.all([closing, store.close()]);
      await assertRejects(store.write(batch([record(5)])), 'closed');
      assertEqual(await sequencesAfter(place), [3]);
    },
  },
  {
    title: 'a close during open lets go',
    async run(place) {
      const store = place();
      const opening = store.open().catch(() => undefined);
      await store.close();
      await opening;
      assertEqual(await contentsOf(place), { clientId: undefined, records: [] });
    },
  },
  {
    title: 'bytes are kept as they were when the write settled, however large, and views without what is around them',
    async run(place) {
      const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7) >> 3);
      const correlationData = bytes.subarray(1_000, 1_004);
      const [large, small] = [bytes.slice(), bytes.slice(5, 9)];
      const expected = [small, correlationData.slice()];
      const store = place();
      await store.open();
      await store.write(batch([record(1, { payload: bytes }), record(2, { payload: bytes.subarray(5, 9) })]));
      await store.write(batch([record(3, { payload: new Uint8Array(0), properties: { correlationData } })]));
      bytes.fill(1);
      await store.close();
      const { records } = await contentsOf(place);
      if (!records[0].payload.every((byte, index) => byte === large[index])) throw new Error('the bytes have changed');
      assertEqual(records[0].payload.length, large.length);
      assertEqual([records[1].payload, records[2].properties.correlationData], expected);
    },
  },
  {
    title: 'thousands of records in one batch are kept and removed',
    async run(place) {
      const sequences = Array.from({ length: 3_000 }, (_, index) => index);
      const records = sequences.map((sequence) => record(sequence));
      assertEqual((await after(place, batch(records))).records, records);
      assertEqual(await sequencesAfter(place, batch([], sequences.slice(1))), [0]);
    },
  },
];
