/** The stored states that a start is measured with, written into a data directory past the broker. */
import { join } from 'node:path';
import { Message, type SessionRecord, type Store, storedTopic, type Write } from '@dunlin/broker';
import { openLmdb } from '@dunlin/lmdb';

/** Something that a server finds when it starts. */
export interface StoredState {
  readonly title: string;
  readonly sessions: number;
  /** Messages of 256 bytes that wait for each session, no two alike. */
  readonly queuedEach: number;
  /** Retained messages of 16 bytes, each under a topic of its own. */
  readonly retained: number;
}

const million = 1_000_000;
/** In pairs that differ in one thing; at last 100,000 sessions with 1,000,000 queued messages and as many retained. */
export const storedStates: readonly StoredState[] = [
  { title: 'an empty directory', sessions: 0, queuedEach: 0, retained: 0 },
  { title: '1,000 sessions, nothing queued', sessions: 1000, queuedEach: 0, retained: 0 },
  { title: '1,000 sessions, 1,000,000 queued', sessions: 1000, queuedEach: 1000, retained: 0 },
  { title: '100,000 sessions', sessions: 100_000, queuedEach: 0, retained: 0 },
  { title: '1,000,000 retained', sessions: 0, queuedEach: 0, retained: million },
  { title: 'all three together', sessions: 100_000, queuedEach: 10, retained: million },
];

/** A part of a state, for a quick try: `share` of its sessions and retained messages, queues as long as they were. */
export function scaled(state: StoredState, share: number): StoredState {
  const part = (count: number) => (count === 0 ? 0 : Math.max(1, Math.round(count * share)));
  return { ...state, sessions: part(state.sessions), retained: part(state.retained) };
}

const writesInBatch = 10_000;

/** Writes a state into `<folder>/data`, where `startBroker` has Dunlin look for it; resolves when it is closed again. */
export async function writeState(folder: string, state: StoredState): Promise<void> {
  // Closed in order it is as good as `durable`, and made sooner.
  const environment = await openLmdb({ directory: join(folder, 'data'), durability: 'process' });
  try {
    await commitAll(environment.store, writesOf(state));
  } finally {
    await environment.close();
  }
}

async function commitAll(store: Store, writes: Iterable<Write>): Promise<void> {
  let batch: Write[] = [];
  for (const write of writes) {
    batch.push(write);
    if (batch.length < writesInBatch) continue;
    await store.commit(batch);
    batch = [];
  }
  if (batch.length > 0) await store.commit(batch);
}

/** The Client Identifier of session number `number`, from 1. */
export function clientIdOf(number: number): string {
  return `startup-${number}`;
}

/** The topic that session number `number` has subscribed to. */
function topicOf(number: number): string {
  return `site/${number % 100}/device/${number}/state`;
}

/** The topic of retained message number `number`, from 0. */
export function retainedTopicOf(number: number): string {
  return `site/${number % 1000}/device/${number}/last`;
}

function* writesOf({ sessions, queuedEach, retained }: StoredState): Generator<Write> {
  for (let number = 1; number <= sessions; number++) {
    yield { op: 'putSession', session: sessionOf(number) };
    yield { op: 'putSubscription', session: number, subscription: subscriptionTo(topicOf(number)) };
  }
  // Position by position, as messages for many come in, not queue by queue.
  for (let position = 1; position <= queuedEach; position++) {
    for (let session = 1; session <= sessions; session++) {
      const message = messageOf(topicOf(session), 256, `${session}/${position}`, false);
      const entry = { position, message, qos: 1, retain: false, identifiers: [], share: undefined } as const;
      yield { op: 'enqueue', session, entry };
    }
  }
  for (let number = 0; number < retained; number++) {
    const message = messageOf(retainedTopicOf(number), 16, String(number), true);
    yield { op: 'putRetained', retained: { message, sequence: number + 1 }, former: undefined };
  }
}

function sessionOf(number: number): SessionRecord {
  const never = 0xffffffff;
  return {
    number,
    clientId: clientIdOf(number),
    username: undefined,
    identity: undefined,
    sessionExpiryInterval: never,
    expiresAtMs: Infinity,
    sentUpTo: 0,
  };
}

function subscriptionTo(filter: string) {
  return {
    filter,
    qos: 1,
    noLocal: false,
    retainAsPublished: true,
    retainHandling: 0,
    identifier: 0,
    replayUpTo: undefined,
  } as const;
}

function messageOf(topic: string, bytes: number, text: string, retain: boolean): Message {
  return Message.of(storedTopic(topic), Buffer.alloc(bytes, text), { qos: 1, retain, publisher: 'startup' });
}
