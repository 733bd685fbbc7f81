/** What runs in the pages of `indexeddb-outbox.test.ts`: the contract, and single stores that the test drives. */
import { OUTBOX_STORE_CONTRACT } from '../../packages/client/src/contract/outbox-store.ts';
import { type IndexedDbOutboxOptions, indexedDbOutbox } from '../../packages/client/src/indexeddb-outbox.ts';
import type { OutboxBatch, OutboxContents, OutboxRecord, OutboxStore } from '../../packages/client/src/outbox-store.ts';

/** How a call came out, as text that crosses to the test. */
export interface Outcome {
  readonly code?: string;
  readonly message?: string;
  readonly sequences?: readonly number[];
}

const stores = new Map<string, OutboxStore>();
const waiting = new Map<string, Promise<Outcome>>();

function record(sequence: number, payloadBytes = 3): OutboxRecord {
  const rest = { properties: {}, expiresAtMs: undefined, packetId: 0, state: 'waiting' } as const;
  // Chromium compresses what it stores.
  const payload = Uint8Array.from({ length: payloadBytes }, () => Math.random() * 256);
  return { sequence, topic: 'a', payload, qos: 1, retain: false, ...rest };
}

function outcomeOf(promise: Promise<unknown>): Promise<Outcome> {
  return promise.then(
    (contents) => (contents ? { sequences: (contents as OutboxContents).records.map(({ sequence }) => sequence) } : {}),
    ({ code, message }) => ({ code, message }),
  );
}

function named(name: string): OutboxStore {
  const store = stores.get(name);
  if (store === undefined) throw new Error(`There is no store ${name}`);
  return store;
}

function write(name: string, batch: Partial<OutboxBatch>): Promise<Outcome> {
  return outcomeOf(named(name).write({ put: [], remove: [], ...batch }));
}

export const outboxPage = {
  titles: OUTBOX_STORE_CONTRACT.map(({ title }) => title),
  async contract(title: string): Promise<void> {
    await OUTBOX_STORE_CONTRACT.find((one) => one.title === title)?.run(() => indexedDbOutbox(title));
  },
  open(name: string, options: IndexedDbOutboxOptions = {}): Promise<Outcome> {
    const store = indexedDbOutbox(name, options);
    stores.set(name, store);
    return outcomeOf(store.open());
  },
  /** Begins to open and returns; `opened` says how it came out. */
  openLater(name: string, options: IndexedDbOutboxOptions): void {
    waiting.set(name, outboxPage.open(name, options));
  },
  opened: (name: string) => waiting.get(name),
  put: (name: string, sequence: number, payloadBytes?: number) =>
    write(name, { put: [record(sequence, payloadBytes)] }),
  putBad: (name: string, sequence: number) =>
    write(name, { put: [record(sequence), { ...record(Number.NaN), topic: 'bad' }], clientId: 'lost' }),
  close: (name: string) => outcomeOf(named(name).close()),
};

Object.assign(globalThis, { outboxPage });
