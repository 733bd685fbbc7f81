/** Walks over all keys of a kind and over all sessions, a page of keys a turn, without holding back what is written. */
import type { StoredSession, SubscriptionRecord } from '@dunlin/broker';
import { damaged, decoded } from './damage.ts';
import type { Database, Row, Snapshot } from './database.ts';
import { Key, keyAfterPrefix, leadsToBucket, readNumber, SessionPart, Tag } from './keys.ts';
import { decodeBucket, decodeSession, decodeSubscription, decodeSummary, decodeWill } from './values.ts';

/** A page ends after so many keys, or bytes of values. */
const PAGE_ROWS = 512;
const PAGE_BYTES = 4 * 1024 * 1024;

/** Pages of rows with `from` <= key < `to`. */
export async function* pages(database: Pick<Database, 'range'>, from: Buffer, to: Buffer): AsyncGenerator<Row[]> {
  for (let start = from; ; ) {
    const page: Row[] = [];
    let bytes = 0;
    for (const row of database.range(start, to, PAGE_ROWS)) {
      page.push(row);
      bytes += row.value.length;
      if (bytes >= PAGE_BYTES) break;
    }
    if (page.length === 0) return;
    yield page;
    // The least key above the last one.
    start = Buffer.concat([page[page.length - 1].key, Buffer.of(0)]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export async function* rows(database: Pick<Database, 'range'>, tag: number): AsyncGenerator<Row> {
  const from = Buffer.from([tag]);
  for await (const page of pages(database, from, keyAfterPrefix(from))) yield* page;
}

/** Of one moment, since a session has many keys. */
export async function* allSessions(database: Database): AsyncGenerator<StoredSession> {
  const snapshot = database.snapshot();
  try {
    yield* sessionsOf(snapshot);
  } finally {
    snapshot.close();
  }
}

async function* sessionsOf(snapshot: Snapshot): AsyncGenerator<StoredSession> {
  let group: Row[] = [];
  for await (const row of rows(snapshot, Tag.session)) {
    if (group.length > 0 && readNumber(group[0].key, 1) !== readNumber(row.key, 1)) {
      const session = sessionOf(group);
      group = [];
      if (session !== undefined) yield session;
    }
    group.push(row);
  }
  const session = sessionOf(group);
  if (session !== undefined) yield session;
}

/** The session whose rows these are, in order; undefined where its record is gone: the rest is garbage. */
export function sessionOf(group: readonly Row[]): StoredSession | undefined {
  if (group.length === 0 || group[0].key[7] !== SessionPart.record) return undefined;
  const [first] = group;
  const number = readNumber(first.key, 1);
  const subscriptions: SubscriptionRecord[] = [];
  const received: number[] = [];
  let will: StoredSession['will'];
  let queue: StoredSession['queue'] | undefined;
  for (const { key, value } of group) {
    switch (key[7]) {
      case SessionPart.summary:
        queue = decoded(key, value, decodeSummary);
        break;
      case SessionPart.will:
        will = decoded(key, value, decodeWill);
        break;
      case SessionPart.received:
        received.push((key[8] << 8) | key[9]);
        break;
      case SessionPart.subscription:
        for (const one of leadsToBucket(key) ? decoded(key, value, decodeBucket) : [value])
          subscriptions.push(decoded(key, one, decodeSubscription));
        break;
    }
  }
  if (queue === undefined) throw damaged(new Key().sessionPart(number, SessionPart.summary).copy(), 'it is missing');
  const { lastPosition } = queue;
  const record = decoded(first.key, first.value, (value) => decodeSession(number, value, lastPosition));
  return { record, subscriptions, received, will, queue };
}
